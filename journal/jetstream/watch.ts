/**
 * Monitors the journal's stream while it is in use: it exists, is the one that was opened, and still keeps
 * everything. It uses calls that are made anyway: one per second tells all partitions whether requests were
 * filed.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import type { JournalId, Subject } from '../ids.ts';
import type { NatsLink } from './connection.ts';
import { findStream, isStreamGone, JOURNAL_ID_KEY, unsafeStream } from './stream.ts';

/**
 * How long a look at the requests is valid: less than a partition's poll interval of a second, so that only
 * one partition looks each time.
 */
const LOOK_GOOD_MS = 800;
/**
 * A server that is starting may not know its streams yet. A stream counts as gone after it was missing for
 * this long.
 */
const GONE_STABLE_MS = 2_000;
const GONE_RETRY_MS = 200;

export interface WatchedStream {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly journalId: JournalId;
  /** The stream's own message limit when it was opened; -1 for none. */
  readonly messageBytesMax: number;
  /** Whether this process appends; then the stream's settings matter, too. */
  readonly isWriter: boolean;
}

/** Number of requests in a subject, and of which stream: a recreated stream counts from zero. */
export interface RequestCount {
  readonly count: number;
  readonly streamCreated: string;
}

interface Look {
  /** Monotonic time of the answer; Infinity while the request is open. */
  atMs: number;
  readonly info: Promise<StreamInfo>;
}

export class StreamWatch {
  readonly #watched: WatchedStream;
  /** By the subject filter. */
  readonly #looks = new Map<string, Look>();
  #problem: TidemarkError | null = null;
  /** The problem that the stream is gone, once that was certain. */
  #gone: TidemarkError | null = null;
  #confirming: Promise<TidemarkError | null> | null = null;
  #messageBytesMax: number;

  constructor(watched: WatchedStream) {
    this.#watched = watched;
    this.#messageBytesMax = watched.messageBytesMax;
  }

  /** What the last check found wrong. */
  get problem(): TidemarkError | null {
    return this.#problem;
  }

  /** The stream's own message limit in bytes, as last seen. */
  get messageBytesMax(): number {
    return this.#messageBytesMax < 0 ? Number.MAX_SAFE_INTEGER : this.#messageBytesMax;
  }

  /**
   * Checks the stream. Rejects with JOURNAL_ROLLED_BACK if it was deleted, JOURNAL_REPLACED if another one
   * has its name, for a writer with JOURNAL_STREAM_INVALID if its settings can no longer hold a journal; with
   * the client's error if no server answers.
   */
  async check(subjectsFilter?: string): Promise<StreamInfo> {
    const { link, jsm, stream } = this.#watched;
    try {
      const options = subjectsFilter === undefined ? {} : { subjects_filter: subjectsFilter };
      const info = await link.during(jsm.streams.info(stream, options));
      this.#problem = this.#problemOf(info.config);
      if (this.#problem !== null) throw this.#problem;
      this.#messageBytesMax = info.config.max_msg_size;
      return info;
    } catch (error) {
      if (!isStreamGone(error)) throw error;
      throw (await this.gone()) ?? error;
    }
  }

  /**
   * Number of requests in a subject, at most a second old. One call serves all subjects of `filter`. Rejects
   * as `check` does.
   */
  async count(name: string, filter: string): Promise<RequestCount> {
    const { state, created } = await this.#look(filter);
    return { count: state.subjects?.[name] ?? 0, streamCreated: created };
  }

  #look(filter: string): Promise<StreamInfo> {
    const before = this.#looks.get(filter);
    if (before !== undefined && performance.now() - before.atMs < LOOK_GOOD_MS) return before.info;
    const look: Look = { atMs: Infinity, info: this.check(filter) };
    this.#looks.set(filter, look);
    look.info.then(
      () => (look.atMs = performance.now()),
      () => this.#looks.delete(filter),
    );
    return look.info;
  }

  /** The error to stop with if the stream is gone; null if it exists or no server answers. */
  gone(): Promise<TidemarkError | null> {
    this.#confirming ??= this.#confirm().finally(() => {
      this.#confirming = null;
    });
    return this.#confirming;
  }

  async #confirm(): Promise<TidemarkError | null> {
    const { link, jsm, stream } = this.#watched;
    const known = this.#problem !== null && this.#problem === this.#gone;
    const sinceMs = performance.now();
    for (;;) {
      try {
        if ((await link.during(findStream(jsm, stream))) !== null) return null;
      } catch {
        // Unavailable, not gone: the caller will notice that itself.
        return null;
      }
      if (known || performance.now() - sinceMs >= GONE_STABLE_MS) break;
      await delay(GONE_RETRY_MS);
    }
    this.#gone = new JournalFailure(
      'rolledBack',
      `The stream ${stream} was deleted while this job used it: it held the journal. Restore it from ` +
        'a backup (tidemark journal restore); nothing more is written, and it is not made anew.',
      { fields: { stream, journalId: this.#watched.journalId } },
    );
    this.#problem = this.#gone;
    return this.#gone;
  }

  #problemOf(config: StreamConfig): TidemarkError | null {
    const { stream, journalId, isWriter } = this.#watched;
    const id = config.metadata?.[JOURNAL_ID_KEY] ?? 'none';
    if (id === journalId) return isWriter ? unsafeStream(config) : null;
    return new JournalFailure(
      'replaced',
      `The stream ${stream} was deleted and made anew: it is journal ${id}, this job uses ` +
        `${journalId}. Restore it.`,
      { fields: { stream, journalId, found: id } },
    );
  }
}

/**
 * Filter for the requests to all partitions of the subject's job; the first token of a subject is the job.
 */
export function requestsFilter(prefix: string, subject: Subject): string {
  return `${prefix}${subject.slice(0, subject.indexOf('.'))}.request.>`;
}
