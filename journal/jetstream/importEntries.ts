/** The entries of an import: which ones are in the stream already, and the writing of the others. */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { TidemarkError } from '../errors.ts';
import type { OnBackupProgress } from '../backup/check.ts';
import type { NatsLink } from './connection.ts';
import { startFetch } from './fetch.ts';
import { IMPORT_KEY } from './stream.ts';
import type { ImportPlan, PlannedEntry, PlannedSubject } from './importPlan.ts';

/** More messages at once gain nothing, and more bytes take memory. */
const WINDOW_ENTRIES = 500;
const WINDOW_BYTES = 8 * 1024 * 1024;
const SILENCE_MS = 15_000;

export interface ImportTarget {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
  readonly stream: string;
  /** What precedes a subject in its name on the server. */
  readonly prefix: string;
  readonly plan: ImportPlan;
}

/**
 * Number of messages in the stream, each compared with the copy. Rejects with REQUEST_REFUSED if they are not
 * its beginning.
 */
export async function countThere(target: ImportTarget, signal: AbortSignal): Promise<number> {
  const { link, jsm, stream, prefix, plan } = target;
  const options = { subjects_filter: `${stream}.>` };
  const { config, state } = await link.during(jsm.streams.info(stream, options));
  if (config.metadata?.[IMPORT_KEY] === undefined) throw endedFirst(stream);
  const begun = plan.begun(state.messages);
  const found = state.subjects ?? {};
  const isBeginning =
    state.messages <= plan.count &&
    state.last_seq === plan.first + state.messages - 1 &&
    Object.keys(found).length === begun.length &&
    begun.every(({ subject, count }) => found[`${prefix}${subject}`] === count);
  if (!isBeginning) throw somethingElse(stream);
  for (const planned of begun) if (!(await isThere(target, planned, signal))) throw somethingElse(stream);
  return state.messages;
}

async function isThere(
  { link, jsm, stream, prefix, plan }: ImportTarget,
  planned: PlannedSubject,
  signal: AbortSignal,
): Promise<boolean> {
  const natsSubject = `${prefix}${planned.subject}`;
  const last = planned.first + planned.count - 1;
  const message = await link.during(jsm.streams.getMessage(stream, { seq: last }));
  if (message?.subject !== natsSubject) return false;
  const fetchTarget = { link, jsm, stream, natsSubject, silenceMs: SILENCE_MS };
  const fetch = await startFetch(fetchTarget, planned.first - 1, last);
  try {
    let stored = (await fetch.next()) ?? [];
    let at = 0;
    for await (const batch of plan.entries(planned)) {
      signal.throwIfAborted();
      for (const { sequence, bytes } of batch) {
        if (sequence > last) return true;
        if (at === stored.length) {
          stored = (await fetch.next()) ?? [];
          at = 0;
        }
        const one = stored[at];
        at += 1;
        if (one?.revision !== sequence || Buffer.compare(one.bytes, bytes) !== 0) return false;
      }
    }
    return true;
  } finally {
    fetch.close();
  }
}

/** Its stream is a journal now, and nothing to be deleted. */
function endedFirst(stream: string): TidemarkError {
  return new TidemarkError(
    'REQUEST_REFUSED',
    `Another import has made the stream ${stream} a journal meanwhile: look at its status.`,
    { fields: { stream } },
  );
}

function somethingElse(stream: string): TidemarkError {
  return new TidemarkError(
    'REQUEST_REFUSED',
    `The stream ${stream} holds something else than the beginning of this import: delete the stream, ` +
      'or name another in journal.nats.stream. Nothing was written.',
    { fields: { stream } },
  );
}

/**
 * Writes what comes after the first `done` messages. Each is accepted only as the next one of the stream, and
 * the plan gives each its sequence: neither a lost answer nor a second import leaves one out, or puts one in
 * twice. Rejects with the server's error; then what is there is still a beginning of the plan.
 */
export async function writeRest(
  target: ImportTarget,
  done: number,
  { onProgress, signal }: { readonly onProgress: OnBackupProgress; readonly signal: AbortSignal },
): Promise<void> {
  const { plan } = target;
  const written = { entries: done, bytes: 0 };
  for (const planned of plan.subjects) {
    for await (const batch of plan.entries(planned)) {
      const missing = batch.filter(({ sequence }) => sequence >= plan.first + done);
      for (const window of windows(missing)) {
        signal.throwIfAborted();
        await writeWindow(target, window, signal);
        written.entries += window.length;
        written.bytes += bytesOf(window);
        onProgress({ ...written });
      }
    }
  }
}

function* windows(entries: readonly PlannedEntry[]): Generator<readonly PlannedEntry[]> {
  let window: PlannedEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    window.push(entry);
    bytes += entry.bytes.byteLength;
    if (window.length < WINDOW_ENTRIES && bytes < WINDOW_BYTES) continue;
    yield window;
    window = [];
    bytes = 0;
  }
  if (window.length > 0) yield window;
}

const bytesOf = (entries: readonly PlannedEntry[]): number =>
  entries.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);

/**
 * Rejects with the error of the first entry that failed (those behind it fail, too: they are not the next),
 * or with the signal's reason; then they may still arrive.
 */
async function writeWindow(
  { link, js, stream, prefix }: ImportTarget,
  window: readonly PlannedEntry[],
  signal: AbortSignal,
): Promise<void> {
  const sent = window.map(({ subject, sequence, bytes }) =>
    js.publish(`${prefix}${subject}`, bytes, { expect: { streamName: stream, lastSequence: sequence - 1 } }),
  );
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    const settled = await Promise.race([link.during(Promise.allSettled(sent)), aborted.promise]);
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
