/** The stream that holds the journal: created or verified as safe, and identified by its id. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  PersistMode,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { TidemarkError } from '../errors.ts';
import { isJournalFailure, JournalFailure } from '../failure.ts';
import { journalId, type JournalId } from '../ids.ts';
import type { Deadline, NatsLink } from './connection.ts';
import { isNoResponders } from './outcome.ts';

export const JOURNAL_ID_KEY = 'tidemark-journal-id';
/** Only while a copy is put into the stream, which has no journal id then: the digest of the copy. */
export const IMPORT_KEY = 'tidemark-import';
/** The server's answer if a stream of this name exists with another configuration. */
const STREAM_NAME_IN_USE = 10_058;
/** The server's status while it cannot answer: no leader yet, or starting. */
const SERVICE_UNAVAILABLE = 503;
const OPEN_RETRY_MS = 500;

export interface StreamOptions {
  readonly stream: string;
  /** Replicas of a stream that is created. If an existing one has another number, a warning is logged. */
  readonly replicas: number;
  /**
   * `create`: creates a missing stream. `existing`: does not. `read`: as `existing`, and nothing may be
   * appended.
   */
  readonly mode: 'create' | 'existing' | 'read';
  /** Id of a journal that is created; random by default. */
  readonly newId?: () => string;
}

interface Awaiting {
  readonly onWarning: (message: string) => void;
  readonly signal?: AbortSignal;
}

export interface StreamFound {
  readonly id: JournalId;
  /** The stream's own message limit in bytes, headers included; -1 for none. */
  readonly messageBytesMax: number;
  readonly replicas: number;
}

export function checkStreamName(stream: string): void {
  if (/^[A-Za-z0-9_-]{1,200}$/.test(stream)) return;
  throw new TidemarkError(
    'CONFIG_INVALID',
    `"${stream}" is no name for the journal's stream: use letters, digits, "-" and "_".`,
  );
}

/** Finds or creates the stream. Waits, within the deadline, for a JetStream that answers. */
export async function openStream(
  link: NatsLink,
  jsm: JetStreamManager,
  options: StreamOptions & Awaiting,
  deadline: Deadline,
): Promise<StreamFound> {
  let warned = false;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return adopt(await findOrCreate(jsm, options), options);
    } catch (error) {
      const problem = openProblem(link, error);
      if (!isJournalFailure(problem, 'unavailable') || deadline.remainingMs() <= OPEN_RETRY_MS) throw problem;
      if (!warned) options.onWarning(`${problem.message} Waiting for it.`);
      warned = true;
      await delay(OPEN_RETRY_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
}

async function findOrCreate(jsm: JetStreamManager, options: StreamOptions & Awaiting): Promise<StreamConfig> {
  const { stream, mode, replicas } = options;
  const found = await findStream(jsm, stream);
  if (found !== null) return found;
  if (mode !== 'create') {
    throw new JournalFailure(
      'missing',
      `There is no stream ${stream} at this NATS server: start the job once, or correct the stream's name.`,
      { fields: { stream } },
    );
  }
  const created = await createStream(jsm, stream, replicas, journalId((options.newId ?? randomUUID)()));
  // Somebody else was first: theirs is the journal.
  return created ?? (await findOrCreate(jsm, options));
}

function adopt(config: StreamConfig, options: StreamOptions & Awaiting): StreamFound {
  if (config.metadata?.[IMPORT_KEY] !== undefined) throw unfinishedImport(config.name);
  const found = checkStream(config, options.mode === 'read' ? 'read' : 'write');
  if (options.mode === 'read') return found;
  if (found.replicas !== options.replicas) {
    options.onWarning(
      `The stream ${config.name} has ${found.replicas} replicas, not the ${options.replicas} of the ` +
        'job file.',
    );
  }
  if (found.replicas === 1) {
    options.onWarning(
      `The journal's stream ${config.name} has 1 replica: what its server loses (a disk, or at a ` +
        'power loss without sync_interval: always the last minutes) is lost. Use 3 replicas in production.',
    );
  }
  return found;
}

function openProblem(link: NatsLink, error: unknown): TidemarkError {
  if (error instanceof TidemarkError) return error;
  if (isNoResponders(error)) {
    return link.unavailable(
      'has no JetStream that answers (start nats-server with JetStream enabled)',
      error,
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return link.unavailable(`does not answer (${reason})`, error);
}

/** The stream, or null if the server says that there is none. Rejects if the server does not answer. */
export async function findStream(jsm: JetStreamManager, stream: string): Promise<StreamConfig | null> {
  try {
    return (await jsm.streams.info(stream)).config;
  } catch (error) {
    if (isStreamGone(error)) return null;
    throw error;
  }
}

/** A stream that keeps everything; only the journal's id is missing. */
export function newStream(stream: string, replicas: number) {
  return {
    name: stream,
    description: 'Journal of Tidemark. Deleting it, or anything in it, loses what was written to files.',
    subjects: [`${stream}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs: -1,
    max_bytes: -1,
    max_msgs_per_subject: -1,
    num_replicas: replicas,
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
    allow_direct: false,
  };
}

/** Creates the stream. Returns null if somebody else was first. */
async function createStream(
  jsm: JetStreamManager,
  stream: string,
  replicas: number,
  id: JournalId,
): Promise<StreamConfig | null> {
  try {
    const info = await jsm.streams.add({
      ...newStream(stream, replicas),
      metadata: { [JOURNAL_ID_KEY]: id },
    });
    return info.config;
  } catch (error) {
    if (isApiError(error, STREAM_NAME_IN_USE)) return null;
    if (!(error instanceof JetStreamApiError) || error.status === SERVICE_UNAVAILABLE) throw error;
    throw invalid(stream, [`the server refuses to create it: ${error.message}`], error);
  }
}

/**
 * Checks that the stream keeps every entry and that every reader sees the newest. Throws
 * JOURNAL_STREAM_INVALID, which names each setting that prevents this. A reader needs only the id.
 */
function checkStream(config: StreamConfig, access: 'write' | 'read'): StreamFound {
  const problems = access === 'write' ? streamProblems(config) : idProblems(config);
  if (problems.length > 0) throw invalid(config.name, problems);
  const id = journalId(config.metadata?.[JOURNAL_ID_KEY] ?? '');
  return { id, messageBytesMax: config.max_msg_size, replicas: config.num_replicas };
}

/** Why the stream cannot hold a journal; empty if it can. */
export function streamProblems(config: StreamConfig): readonly string[] {
  return [...idProblems(config), ...unsafeSettings(config)];
}

function idProblems({ metadata }: StreamConfig): readonly string[] {
  const id = metadata?.[JOURNAL_ID_KEY] ?? '';
  if (/^[0-9a-zA-Z-]{8,64}$/.test(id)) return [];
  return [`metadata ${JOURNAL_ID_KEY} is missing: it is no journal of Tidemark, or was made without an id`];
}

function unsafeSettings(config: StreamConfig): string[] {
  const wanted = `${config.name}.>`;
  const checks: readonly (readonly [boolean, string])[] = [
    [config.subjects.includes(wanted), `subjects must hold "${wanted}"`],
    [config.retention === RetentionPolicy.Limits, `retention is ${config.retention}, must be limits`],
    [config.storage === StorageType.File, `storage is ${config.storage}, must be file`],
    [
      config.discard === DiscardPolicy.New,
      `discard is ${config.discard}, must be new (else entries are dropped)`,
    ],
    [config.max_age === 0, 'max_age is set, must be 0 (else entries expire)'],
    [config.max_msgs_per_subject <= 0, 'max_msgs_per_subject is set, must be unlimited'],
    [config.deny_delete, 'deny_delete must be true'],
    [config.deny_purge, 'deny_purge must be true'],
    [!config.allow_rollup_hdrs, 'allow_rollup_hdrs must be false'],
    [!config.allow_direct, 'allow_direct must be false (else reads may be stale)'],
    [!config.sealed, 'it is sealed: nothing can be written'],
    [config.no_ack !== true, 'no_ack must be false (else no append is ever acknowledged)'],
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- not sent before 2.12
    [(config.persist_mode ?? PersistMode.Default) === PersistMode.Default, 'persist_mode must be default'],

    [!config.allow_msg_counter, 'allow_msg_counter must be false'],
    [config.subject_transform === undefined, 'subject_transform must not be set'],
    [config.mirror === undefined, 'it is a mirror: nothing can be written'],
    [(config.sources ?? []).length === 0, 'sources must be empty'],
  ];
  return checks.filter(([safe]) => !safe).map(([, problem]) => problem);
}

/** Why a stream in use can no longer hold a journal; null if it can. */
export function unsafeStream(config: StreamConfig): TidemarkError | null {
  const problems = unsafeSettings(config);
  if (problems.length === 0) return null;
  return new JournalFailure(
    'streamInvalid',
    `The settings of the stream ${config.name} were changed while this job uses it, and it cannot ` +
      'hold the journal any more: ' +
      `${problems.join('; ')}. Set them back, look whether entries are gone, and start again.`,
    { fields: { stream: config.name, problems } },
  );
}

function unfinishedImport(stream: string): TidemarkError {
  return new JournalFailure(
    'importUnfinished',
    `The stream ${stream} is no journal yet: an import into it was not finished. Wait for it if it ` +
      'still runs, or run it again. To do without the import, delete the stream.',
    { fields: { stream } },
  );
}

function invalid(stream: string, problems: readonly string[], cause?: unknown): TidemarkError {
  return new JournalFailure(
    'streamInvalid',
    `The stream ${stream} cannot hold the journal: ${problems.join('; ')}.`,
    { fields: { stream, problems }, cause },
  );
}

/** Whether the server says that there is no such stream. */
export function isStreamGone(error: unknown): boolean {
  return isApiError(error, JetStreamApiCodes.StreamNotFound);
}

function isApiError(error: unknown, ...codes: readonly number[]): error is JetStreamApiError {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}
