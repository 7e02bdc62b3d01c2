/**
 * Puts a checked copy of any journal into a new stream. The stream gets the journal's id last; until then it
 * names the copy: no coordinator takes it for a journal, and the next import of the same copy goes on.
 */
import { jetstream, jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { refuseTooLarge, type CheckedCopy } from '../backup/checkedCopy.ts';
import { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import { interrupted, NOTHING_WRITTEN, type ImportFound, type JournalImporting } from '../importing.ts';
import { connectNats, deadlineIn, type NatsConnectionOptions, type NatsLink } from './connection.ts';
import { countThere, writeRest, type ImportTarget } from './importEntries.ts';
import { ImportPlan } from './importPlan.ts';
import { HEADER_BYTES_MAX } from './journal.ts';
import { classifyPublishError } from './outcome.ts';
import { checkStreamName, findStream, IMPORT_KEY, JOURNAL_ID_KEY, newStream } from './stream.ts';

const REQUEST_TIMEOUT_MS = 30_000;

export interface JetstreamImport extends NatsConnectionOptions, JournalImporting {
  readonly stream: string;
  readonly replicas: number;
  readonly signal: AbortSignal;
}

/**
 * Rejects with REQUEST_REFUSED if the stream is a journal, or holds anything but the beginning of this
 * import; JOURNAL_ENTRY_TOO_LARGE if the server does not take an entry: then nothing is written. Later it
 * rejects with the server's error, or JOURNAL_IMPORT_UNFINISHED if the signal ended it: then the next import
 * goes on.
 */
export async function importJetstream(options: JetstreamImport): Promise<ImportFound> {
  const { signal } = options;
  checkStreamName(options.stream);
  try {
    const link = await connectNats(options, deadlineIn(options.waitForServerMs));
    return await importOver(link, options).finally(() => link.close());
  } catch (error) {
    throw signal.aborted && !(error instanceof TidemarkError) ? interrupted(NOTHING_WRITTEN, error) : error;
  }
}

async function importOver(link: NatsLink, options: JetstreamImport): Promise<ImportFound> {
  const { copy, stream, signal } = options;
  /** Entries in the stream; null before there is one. */
  let written: number | null = null;
  try {
    const bytesMax = link.payloadBytesMax - HEADER_BYTES_MAX;
    refuseTooLarge(copy, { bytesMax, of: 'the NATS server', help: 'raise its max_payload' });
    const plan = new ImportPlan(copy);
    const timeout = REQUEST_TIMEOUT_MS;
    const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout });
    const js = jetstream(link.nc, { timeout });
    const target = { link, jsm, js, stream, prefix: `${stream}.${copy.journalId}.`, plan };
    await makeStream(target, options);
    written = 0;
    const entriesThere = await countThere(target, signal);
    written = entriesThere;
    const onProgress: JetstreamImport['onProgress'] = (progress) => {
      written = progress.entries;
      options.onProgress(progress);
    };
    await writeRest(target, entriesThere, { onProgress, signal });
    signal.throwIfAborted();
    if ((await countThere(target, signal)) !== plan.count) throw new Error('entries are missing');
    await makeJournal(target, copy);
    return { ...copy.found, entriesThere, requestsLeftOut: plan.requestsLeftOut };
  } catch (error) {
    throw problemOf(error, link, signal, leftText(options, written));
  }
}

/** Creates the stream, or takes up one that an import of the same copy has left. */
async function makeStream(
  { jsm, plan }: ImportTarget,
  { stream, replicas, copy, signal }: JetstreamImport,
): Promise<void> {
  signal.throwIfAborted();
  const found = await findStream(jsm, stream);
  if (found !== null) {
    refuseOther(found, copy);
    return;
  }
  const metadata = { [IMPORT_KEY]: copy.digest };
  await jsm.streams.add({ ...newStream(stream, replicas), first_seq: plan.first, metadata });
}

function refuseOther({ name, metadata = {} }: StreamConfig, copy: CheckedCopy): void {
  const id = metadata[JOURNAL_ID_KEY];
  if (id === undefined && metadata[IMPORT_KEY] === copy.digest) return;
  const what =
    id === undefined
      ? metadata[IMPORT_KEY] === undefined
        ? `There is a stream ${name} already, which is no journal`
        : `The stream ${name} holds the beginning of another import, which was not finished`
      : id === copy.journalId
        ? `The stream ${name} is journal ${id} already`
        : `The stream ${name} is journal ${id}, and ${copy.file} is journal ${copy.journalId}`;
  throw new TidemarkError(
    'REQUEST_REFUSED',
    `${what}: a journal is imported into a new stream. Name another in journal.nats.stream, or delete this ` +
      `one if nothing needs it. ${NOTHING_WRITTEN}`,
    { fields: { stream: name } },
  );
}

/** Gives the stream its id. An answer that was lost is asked for again. */
async function makeJournal({ jsm, stream }: ImportTarget, { journalId }: CheckedCopy): Promise<void> {
  const { config } = await jsm.streams.info(stream);
  const { [IMPORT_KEY]: _, ...metadata } = config.metadata ?? {};
  try {
    await jsm.streams.update(stream, { ...config, metadata: { ...metadata, [JOURNAL_ID_KEY]: journalId } });
  } catch (error) {
    if (!(await hasId(jsm, stream, journalId))) throw error;
  }
}

async function hasId(jsm: JetStreamManager, stream: string, journalId: string): Promise<boolean> {
  const config = await findStream(jsm, stream);
  return config?.metadata?.[JOURNAL_ID_KEY] === journalId && config.metadata[IMPORT_KEY] === undefined;
}

function leftText({ stream, copy }: JetstreamImport, written: number | null): string {
  if (written === null) return NOTHING_WRITTEN;
  return (
    `The stream ${stream} holds at least ${written} of ${copy.found.entries} entries and is no journal ` +
    'yet: run the import again, with the same file, and it goes on there.'
  );
}

/** The error of an import, and what is left of it. */
function problemOf(error: unknown, link: NatsLink, signal: AbortSignal, left: string): unknown {
  if (signal.aborted) return interrupted(left, error);
  if (error instanceof TidemarkError) return error;
  const failure = classifyPublishError(error);
  const cause = failure.type === 'refused' ? failure.cause : null;
  if (cause instanceof JournalFailure) {
    const { message, fields } = cause;
    return new JournalFailure(cause.problem, `${message} ${left}`, { fields, cause });
  }
  const reason = error instanceof Error ? error.message : String(error);
  const what = failure.type === 'wrongLast' ? 'something else writes into the stream' : reason;
  return link.unavailable(`did not take all of the file (${what}). ${left.replace(/\.$/, '')}`, error);
}
