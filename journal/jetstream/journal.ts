/**
 * The journal on NATS JetStream: one stream holds many jobs.
 *
 * Entries are published to `<stream>.<journal id>.<subject>` with the expected last sequence of that literal
 * subject. The id in the name stops a process from continuing in a stream that was deleted and recreated: its
 * subjects are empty there. Only an append that starts a subject would succeed there, so it checks the
 * stream's id after its acknowledgement; a read from a subject's start does the same. No message ids:
 * deduplication ignores the content.
 */
import { TidemarkError } from '../errors.ts';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import {
  jetstream,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
  type PubAck,
} from '@nats-io/jetstream';
import { isJournalFailure, JournalFailure } from '../failure.ts';
import type { JournalId, Subject } from '../ids.ts';
import { connectNats, deadlineIn, type NatsConnectionOptions, type NatsLink } from './connection.ts';
import { startFetch } from './fetch.ts';
import { classifyPublishError } from './outcome.ts';
import { JetstreamSnapshots } from './snapshots.ts';
import { checkStreamName, isStreamGone, openStream, type StreamFound, type StreamOptions } from './stream.ts';
import { requestsFilter, StreamWatch, type RequestCount } from './watch.ts';
import type { AppendOutcome, EntryCounts, Journal, Revision, StoredEntry } from '../port.ts';

const REQUEST_TIMEOUT_MS = 3_000;
/** A read that delivers nothing for this long, while entries are due, rejects. */
const READ_PATIENCE_MS = 15_000;
const READ_RETRY_MS = 100;
/**
 * Headers of an append: two names, the stream's, and a number. The server counts them as part of the message.
 */
export const HEADER_BYTES_MAX = 512;

export interface JetstreamJournalOptions extends NatsConnectionOptions, StreamOptions {
  /** How long one request may take before its outcome is unknown. */
  readonly requestTimeoutMs?: number;
  /** How long a read may deliver nothing, across reconnects, before it rejects. */
  readonly readPatienceMs?: number;
}

/**
 * Opens the journal. Rejects with JOURNAL_MISSING if there is no such stream, JOURNAL_STREAM_INVALID if it
 * cannot hold a journal, CONFIG_INVALID for invalid addresses and files, JOURNAL_AUTHENTICATION if the server
 * refuses the connection, JOURNAL_UNAVAILABLE if nothing answers in time.
 */
export async function openJetstreamJournal(options: JetstreamJournalOptions): Promise<Journal> {
  checkStreamName(options.stream);
  const deadline = deadlineIn(options.waitForServerMs);
  const link = await connectNats(options, deadline);
  try {
    const timeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout });
    const found = await openStream(link, jsm, options, deadline);
    return new JetstreamJournal(link, jsm, found, options);
  } catch (error) {
    await link.close();
    throw error;
  }
}

class JetstreamJournal implements Journal {
  readonly id: JournalId;
  readonly #link: NatsLink;
  readonly #jsm: JetStreamManager;
  readonly #js: JetStreamClient;
  readonly #stream: string;
  readonly #prefix: string;
  readonly #readOnly: boolean;
  readonly #watch: StreamWatch;
  /** By subject: its end when it held that many requests. */
  readonly #requestsSeen = new Map<Subject, RequestCount & { readonly upTo: Revision }>();
  readonly #snapshots: JetstreamSnapshots;
  readonly #timeoutMs: number;
  readonly #patienceMs: number;

  constructor(link: NatsLink, jsm: JetStreamManager, found: StreamFound, options: JetstreamJournalOptions) {
    this.id = found.id;
    this.#link = link;
    this.#jsm = jsm;
    this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#patienceMs = options.readPatienceMs ?? READ_PATIENCE_MS;
    this.#js = jetstream(link.nc, { timeout: this.#timeoutMs });
    this.#stream = options.stream;
    this.#prefix = `${options.stream}.${found.id}.`;
    this.#readOnly = options.mode === 'read';
    const [js, stream, timeoutMs] = [this.#js, this.#stream, this.#timeoutMs];
    const { id, replicas, messageBytesMax } = found;
    const isWriter = !this.#readOnly;
    this.#watch = new StreamWatch({ link, jsm, stream, journalId: id, messageBytesMax, isWriter });
    this.#snapshots = new JetstreamSnapshots({
      link,
      jsm,
      js,
      stream,
      replicas,
      journalId: found.id,
      timeoutMs,
    });
  }

  /** What the connected server and the stream accept, without the headers; may change with a reconnect. */
  get entryBytesMax(): number {
    return Math.min(this.#link.payloadBytesMax, this.#watch.messageBytesMax) - HEADER_BYTES_MAX;
  }

  async append(subject: Subject, expected: Revision, bytes: Uint8Array): Promise<AppendOutcome> {
    this.#checkMayWrite(subject);
    if (bytes.byteLength > this.entryBytesMax) {
      return { type: 'refused', retryable: false, cause: this.#tooLarge(bytes.byteLength) };
    }
    if (this.#watch.problem !== null) await this.#checkStream();
    if (this.#watch.problem !== null) return { type: 'unknown', cause: this.#watch.problem };
    // The client would buffer it and send it at the next connection.
    if (!this.#link.isUp) return { type: 'unknown', cause: this.#link.unavailable('is not connected') };
    try {
      const ack = await this.#publish(subject, bytes, expected);
      if (expected === 0) await this.#watch.check();
      return { type: 'appended', revision: ack.seq };
    } catch (error) {
      if (error instanceof TidemarkError && !isJournalFailure(error, 'unavailable')) throw error;
      return this.#failedAppend(subject, expected, error);
    }
  }

  /** The end is determined when the iteration starts. */
  async *read(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    let at = after;
    let last: Revision | null = null;
    let progressAtMs = performance.now();
    for (;;) {
      try {
        await this.#link.whenUp(this.#patienceMs);
        // At the start, and again after an interruption: the stream may have been replaced.
        if (at === 0 || last !== null) await this.#watch.check();
        last ??= await this.#lastRevision(subject);
        if (at >= last) return;
        for await (const batch of this.#fetch(subject, at, last)) {
          at = batch.at(-1)?.revision ?? at;
          yield batch;
          progressAtMs = performance.now();
        }
        return;
      } catch (error) {
        if (error instanceof TidemarkError && !isJournalFailure(error, 'unavailable')) throw error;
        const gone = isStreamGone(error) ? await this.#watch.gone() : null;
        if (gone !== null) throw gone;
        const isOver = performance.now() - progressAtMs >= this.#patienceMs;
        if (isOver || this.#link.isClosed) throw this.#readProblem(subject, error);
        await delay(READ_RETRY_MS);
      }
    }
  }

  async *requests(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    const counted = await this.#countRequests(subject);
    const before = this.#requestsSeen.get(subject);
    const isSame = before?.count === counted.count && before.streamCreated === counted.streamCreated;
    if (counted.count === 0 || (isSame && before.upTo <= after)) return;
    let upTo = after;
    for await (const batch of this.read(subject, after)) {
      upTo = batch.at(-1)?.revision ?? upTo;
      yield batch;
    }
    this.#requestsSeen.set(subject, { ...counted, upTo });
  }

  async #countRequests(subject: Subject): Promise<RequestCount> {
    try {
      await this.#link.whenUp(this.#patienceMs);
      return await this.#watch.count(`${this.#prefix}${subject}`, requestsFilter(this.#prefix, subject));
    } catch (error) {
      if (error instanceof TidemarkError) throw error;
      throw this.#readProblem(subject, error);
    }
  }

  async subjects(prefix: string): Promise<readonly Subject[]> {
    return [...(await this.countEntries(prefix)).bySubject.keys()].sort();
  }

  /**
   * No entry is ever removed, and a stream numbers them without a gap: what is missing between was lost. An
   * imported journal begins at a later number; where its first entries are lost, the hash chain breaks.
   */
  readonly countEntries = async (prefix: string): Promise<EntryCounts> => {
    const filter = `${this.#prefix}${prefix.slice(0, prefix.lastIndexOf('.') + 1)}>`;
    try {
      await this.#link.whenUp(this.#timeoutMs);
      const info = await this.#link.during(this.#jsm.streams.info(this.#stream, { subjects_filter: filter }));
      // The server leaves out what is 0.
      const { subjects = {}, num_deleted: lost = 0 } = info.state as Partial<typeof info.state>;
      const counts = Object.entries(subjects)
        .map(([name, count]) => [name.slice(this.#prefix.length) as Subject, count] as const)
        .filter(([subject]) => subject.startsWith(prefix));
      return { bySubject: new Map(counts), lost };
    } catch (error) {
      throw this.#readProblem(`${prefix}>`, error);
    }
  };

  async fileRequest(subject: Subject, bytes: Uint8Array): Promise<Revision> {
    if (bytes.byteLength > this.entryBytesMax) throw this.#tooLarge(bytes.byteLength);
    await this.#link.whenUp(this.#timeoutMs);
    try {
      return (await this.#publish(subject, bytes, null)).seq;
    } catch (error) {
      const failure = classifyPublishError(error);
      const what =
        failure.type === 'unknown'
          ? `may or may not have taken the request for ${subject}: see the status before trying again`
          : `did not take the request for ${subject}`;
      throw this.#link.unavailable(what, error);
    }
  }

  async writeSnapshot(subject: Subject, bytes: Uint8Array): Promise<void> {
    this.#checkMayWrite(subject);
    await this.#snapshots.write(subject, bytes);
  }

  async *snapshots(subject: Subject): AsyncGenerator<Uint8Array> {
    await this.#link.whenUp(this.#patienceMs);
    yield* this.#snapshots.read(subject);
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #checkMayWrite(subject: Subject): void {
    if (!this.#readOnly) return;
    throw new TidemarkError(
      'INTERNAL',
      `The journal was opened for reading: nothing was written of ${subject}.`,
    );
  }

  #publish(subject: Subject, bytes: Uint8Array, expected: Revision | null): Promise<PubAck> {
    const expect = {
      streamName: this.#stream,
      ...(expected === null ? {} : { lastSubjectSequence: expected }),
    };
    return this.#link.during(
      this.#js.publish(`${this.#prefix}${subject}`, bytes, { expect, timeout: this.#timeoutMs }),
    );
  }

  async #failedAppend(subject: Subject, expected: Revision, error: unknown): Promise<AppendOutcome> {
    const failure = classifyPublishError(error);
    switch (failure.type) {
      case 'wrongLast':
        if (failure.lastRevision === null) return this.#conflictAtLast(subject, error);
        if (failure.lastRevision < expected) await this.#checkStream();
        return { type: 'conflict', lastRevision: failure.lastRevision };
      case 'noStream':
        await this.#checkStream();
        return { type: 'unknown', cause: failure.cause };
      case 'refused':
      case 'unknown':
        return failure;
    }
  }

  async #conflictAtLast(subject: Subject, cause: unknown): Promise<AppendOutcome> {
    try {
      return { type: 'conflict', lastRevision: await this.#lastRevision(subject) };
    } catch (error) {
      if (isJournalFailure(error, 'corrupt')) throw error;
      return { type: 'unknown', cause };
    }
  }

  /**
   * Nobody took the entry, or its subject ends before what was acknowledged. Rejects if the stream is the
   * reason. Otherwise the stream has no leader at the moment, or lost its end.
   */
  async #checkStream(): Promise<void> {
    try {
      await this.#watch.check();
    } catch (error) {
      if (error instanceof TidemarkError && !isJournalFailure(error, 'unavailable')) throw error;
    }
  }

  async #lastRevision(subject: Subject): Promise<Revision> {
    const last = (await this.#lastSequence(subject)) ?? 0;
    if (last > 0 || (await this.#count(subject)) === 0) return last;
    // The server also says "no message" if the last message is damaged. Or one arrived between the two
    // requests.
    const again = await this.#lastSequence(subject);
    if (again !== null) return again;
    throw new JournalFailure(
      'corrupt',
      `The stream ${this.#stream} counts entries of ${subject} but cannot give the last one: it is ` +
        'damaged on the ' +
        "server's disk. Restore the journal from a copy.",
      { fields: { stream: this.#stream, subject } },
    );
  }

  async #lastSequence(subject: Subject): Promise<Revision | null> {
    const query = { last_by_subj: `${this.#prefix}${subject}` };
    const message = await this.#link.during(this.#jsm.streams.getMessage(this.#stream, query));
    return message?.seq ?? null;
  }

  async #count(subject: Subject): Promise<number> {
    const name = `${this.#prefix}${subject}`;
    const info = await this.#link.during(this.#jsm.streams.info(this.#stream, { subjects_filter: name }));
    return info.state.subjects?.[name] ?? 0;
  }

  async *#fetch(subject: Subject, after: Revision, last: Revision): AsyncGenerator<readonly StoredEntry[]> {
    const fetch = await startFetch(
      {
        link: this.#link,
        jsm: this.#jsm,
        stream: this.#stream,
        natsSubject: `${this.#prefix}${subject}`,
        silenceMs: this.#timeoutMs,
      },
      after,
      last,
    );
    try {
      for (let batch = await fetch.next(); batch !== null; batch = await fetch.next()) yield batch;
    } finally {
      fetch.close();
    }
  }

  #readProblem(what: string, error: unknown): TidemarkError {
    if (isJournalFailure(error, 'unavailable')) return error;
    const gone = isStreamGone(error) ? `; its stream ${this.#stream} is gone` : '';
    const reason = error instanceof Error ? error.message : String(error);
    return this.#link.unavailable(`could not be read for ${what} (${reason})${gone}`, error);
  }

  #tooLarge(bytes: number): TidemarkError {
    const bytesMax = this.entryBytesMax;
    return new JournalFailure(
      'entryTooLarge',
      `${bytes} bytes are over the limit of ${bytesMax} of the stream ${this.#stream}: raise ` +
        'max_payload or max_msg_size.',
      { fields: { bytes, bytesMax } },
    );
  }
}
