/**
 * Restores a portable backup into a new stream. The stream gets the journal's id last: no coordinator
 * mistakes an interrupted restore for a journal.
 */
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { isRequestSubject, notOfJob, type BackupFound, type OnBackupProgress } from '../backup/check.ts';
import { TidemarkError } from '../errors.ts';
import { journalId, type JobName, type Subject } from '../ids.ts';
import { connectNats, deadlineIn, type NatsConnectionOptions, type NatsLink } from './connection.ts';
import { checkStreamName, findStream, JOURNAL_ID_KEY, newStream } from './stream.ts';
import { readPortable, type PortableEntry } from '../backup/portableFile.ts';
import type { Revision } from '../port.ts';
import { ChainCheck } from '../replay.ts';
import { RequestsTakenUp } from '../backup/requestsTakenUp.ts';

/**
 * The new revisions start this far above those of the backup. A coordinator that still runs on the old
 * journal then cannot have an append accepted by a revision that both journals have, and new requests come
 * after every request that was taken up.
 */
export const REVISIONS_LEFT_OUT = 1_000_000_000;
const PUBLISHED_AT_ONCE = 500;
const REQUEST_TIMEOUT_MS = 30_000;

export interface JetstreamRestore extends NatsConnectionOptions {
  readonly stream: string;
  readonly replicas: number;
  readonly file: string;
  readonly job: JobName;
  readonly onProgress: OnBackupProgress;
}

/** Result of the first pass, which checks the whole file, for the second. */
interface Checked {
  readonly found: BackupFound;
  readonly lastRevision: Revision;
  readonly takenUp: RequestsTakenUp;
}

/**
 * Rejects with REQUEST_REFUSED if the stream exists or the backup belongs to another job, JOURNAL_CORRUPT if
 * the backup is damaged. In these cases nothing is written.
 */
export async function restoreJetstream(options: JetstreamRestore): Promise<BackupFound> {
  checkStreamName(options.stream);
  const checked = await checkFile(options);
  const link = await connectNats(options, deadlineIn(options.waitForServerMs));
  try {
    const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
    if ((await findStream(jsm, options.stream)) !== null) throw streamExists(options.stream);
    await fill(link, jsm, options, checked);
    return checked.found;
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw link.unavailable(
      `did not take all of the backup (${reason}): delete the stream ${options.stream}, which is no ` +
        'journal yet, and try again',
      error,
    );
  } finally {
    await link.close();
  }
}

async function checkFile({ file, job, onProgress }: JetstreamRestore): Promise<Checked> {
  const chains = new Map<Subject, ChainCheck>();
  const takenUp = new RequestsTakenUp(job);
  let lastRevision = 0;
  const check = ({ subject, revision, bytes }: PortableEntry): void => {
    lastRevision = Math.max(lastRevision, revision);
    if (isRequestSubject(subject)) return;
    const chain = chains.get(subject) ?? new ChainCheck(subject);
    chains.set(subject, chain);
    takenUp.note(subject, chain.next({ revision, bytes }).entry);
  };
  const found = await readPortable(file, {
    header: (header) => {
      if (header.job !== job) throw notOfJob(job, header.journalId);
    },
    entry: check,
    onProgress,
  });
  return { found, lastRevision, takenUp };
}

async function fill(
  link: NatsLink,
  jsm: JetStreamManager,
  options: JetstreamRestore,
  { found, lastRevision, takenUp }: Checked,
): Promise<void> {
  const { stream, replicas, file } = options;
  const config = newStream(stream, replicas);
  const { config: made } = await jsm.streams.add({ ...config, first_seq: lastRevision + REVISIONS_LEFT_OUT });
  const js = jetstream(link.nc, { timeout: REQUEST_TIMEOUT_MS });
  const prefix = `${stream}.${found.journalId}.`;
  let sent = 0;
  let open: Promise<unknown>[] = [];
  const entry = async ({ subject, revision, bytes }: PortableEntry): Promise<void> => {
    // The partition's entries contain the answer to a request that was taken up. Under a new number, it would
    // be taken up again.
    if (takenUp.has(subject, revision)) return;
    sent += 1;
    // The server keeps the order of messages from one connection.
    const sending = link.during(js.publish(`${prefix}${subject}`, bytes, { expect: { streamName: stream } }));
    // It may fail while the file is being read, before it is awaited with the others.
    sending.catch(() => undefined);
    open.push(sending);
    if (open.length < PUBLISHED_AT_ONCE) return;
    await Promise.all(open);
    open = [];
  };
  await readPortable(file, { header: () => undefined, entry, onProgress: options.onProgress });
  await Promise.all(open);
  const { state } = await jsm.streams.info(stream);
  if (state.messages !== sent) throw new Error(`${state.messages} of ${sent} entries are there`);
  await jsm.streams.update(stream, {
    ...made,
    metadata: { ...made.metadata, [JOURNAL_ID_KEY]: journalId(found.journalId) },
  });
}

function streamExists(stream: string): TidemarkError {
  return new TidemarkError(
    'REQUEST_REFUSED',
    `There is a stream ${stream} already: a journal is restored into a new one. Delete the old one if ` +
      'nothing needs it, or name another in journal.nats.stream.',
    { fields: { stream } },
  );
}
