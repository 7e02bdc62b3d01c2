/**
 * Files as a source: each matching file is a topic with one partition, each line a record. The offset is the
 * line number (from 0).
 *
 * A record is a line with its newline, so the last line is a record only after its newline is written. A
 * bounded run (`untilEnd`) accepts a last line without newline, since nobody is going to end it. If a feed
 * sees such a line grow later, it stops with SOURCE_RANGE_LOST. Growth between two runs cannot be seen. Files
 * must only be appended to.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import type { FileHandle } from 'node:fs/promises';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import { isSourceFailure } from '../failure.ts';
import type { Clock } from '../../system/clock.ts';
import type { Conditions } from '../../telemetry/conditions.ts';
import { pauseUnless } from '../../system/pacing.ts';
import { coveredBytes } from '../fileId.ts';
import type {
  OffsetRange,
  PartitionFeed,
  RunChoices,
  Source,
  SourceFacts,
  SourceListener,
  StartFrom,
  TopicFacts,
} from '../port.ts';
import type { Log } from '../../telemetry/log.ts';
import * as errors from './errors.ts';
import { FileFeed, type FeedContext } from './feed.ts';
import { FileWait } from './wait.ts';
import { SourceHandles } from './handles.ts';
import { compareIdentity, identityOf, isWorthRenewing, longerOf } from './identity.ts';
import { lineCursor } from './lineBatch.ts';
import { FileLooks } from './openBriefly.ts';
import { readLines, type ReadLimits } from './lineChunk.ts';
import { LineIndex } from './lineIndex.ts';
import { fileOf, matchingFiles } from './matching.ts';
import { FileTimes, timeReader, type TimeReader } from './recordTime.ts';

/** In a bounded run a last line without newline is a record, and files that appear later are ignored. */
export interface FileSourceOptions extends Partial<RunChoices> {
  /** Absolute. Topics are paths relative to it. */
  readonly baseDir: string;
  /** Glob relative to baseDir (`data/*.ndjson`, `**` allowed), or absolute. Hidden files need a named dot. */
  readonly pattern: string;
  /**
   * Dotted path of the time in each line's JSON: a number is epoch milliseconds, a string an ISO time (UTC if
   * it has no zone). Lines without a readable time get the file's modification time. Null: all lines do.
   */
  readonly time: string | null;
  readonly clock: Clock;
  readonly log: Log;
  /** How often files are checked for growth and the folder for new files, in milliseconds. */
  readonly pollMs?: number;
  /** How long to wait for a file that is missing or too short before its partition stops, in milliseconds. */
  readonly stableMs?: number;
  /** Bytes read at once, and the longest line. */
  readonly limits?: ReadLimits;
  /** Bytes that all files together may read ahead, beyond a minimum chunk of each. */
  readonly readBytesMax?: number;
  /** How many files may be open at once. */
  readonly handlesMax?: number;
  /** Receives what the source retries; absent if nobody asks. */
  readonly conditions?: Conditions | undefined;
}

const POLL_MS = 1_000;
const STABLE_MS = 30_000;
const MIB = 1024 * 1024;
const CHUNK_BYTES_LEAST = 64 * 1024;
const LIMITS: ReadLimits = { chunkBytes: 2 * MIB, lineBytesMax: 64 * MIB };
export function createFileSource(options: FileSourceOptions): Source {
  return new FileSource(options);
}

class FileSource implements Source {
  readonly kind = 'file';
  readonly #options: Required<Omit<FileSourceOptions, 'handlesMax' | 'conditions'>>;
  readonly #conditions: Conditions | null;
  readonly #readTime: TimeReader | null;
  readonly #stopping = new AbortController();
  readonly #known = new Map<string, TopicFacts>();
  readonly #indexes = new Map<string, LineIndex>();
  /** By topic, the end of the bounded run if it includes a line without newline. */
  readonly #tailEnds = new Map<string, number>();
  /** By topic, the longest ids that feeds have proved. */
  readonly #identities = new Map<string, string>();
  #listener: SourceListener | null = null;
  readonly #feeds = new Set<FileFeed>();
  readonly #handles: SourceHandles;
  readonly #looks: FileLooks;
  #watching: Promise<void> = Promise.resolve();
  #unnamed: readonly TopicPartition[] = [];

  constructor(options: FileSourceOptions) {
    const defaults = {
      ...{ untilEnd: false, pollMs: POLL_MS, stableMs: STABLE_MS },
      ...{ limits: LIMITS, readBytesMax: Infinity },
    };
    this.#options = { ...defaults, ...options };
    this.#conditions = options.conditions ?? null;
    this.#handles = new SourceHandles(options.handlesMax);
    const { signal } = this.#stopping;
    this.#looks = new FileLooks({
      ...this.#options,
      handles: this.#handles,
      conditions: this.#conditions,
      signal,
    });
    this.#readTime = options.time === null ? null : timeReader(options.time);
  }

  async describe(options: Parameters<Source['describe']>[0]): Promise<SourceFacts> {
    const { baseDir, pattern, clock, pollMs } = this.#options;
    for (let told = false; ;) {
      options.signal.throwIfAborted();
      const topics = await this.#discover();
      if (topics.length > 0) return { clusterId: null, groupId: null, topics };
      const missing = errors.noMatch(pattern, baseDir);
      if (!options.wait) throw missing;
      if (!told) options.onWaiting(`${missing.message} Waiting for one.`);
      told = true;
      await pauseUnless(options.signal, clock, pollMs);
    }
  }

  async startOffsets(topic: string, startFrom: StartFrom): Promise<bigint[]> {
    switch (startFrom.type) {
      // A file has no group, and its job file no offsets.
      case 'earliest':
      case 'group':
      case 'offsets':
        return [0n];
      case 'latest':
        return [
          BigInt(
            (await this.#looks.at(topic, (handle) => this.#index(topic).count(handle), 'forPassing')).line,
          ),
        ];
      case 'time':
        return [
          BigInt(
            await this.#looks.at(
              topic,
              (handle) => this.#firstLineSince(handle, topic, startFrom.atMs),
              'forPassing',
            ),
          ),
        ];
    }
  }

  async ranges(topic: string): Promise<OffsetRange[]> {
    const { line, tailBytes } = await this.#looks.at(
      topic,
      (handle) => this.#index(topic).count(handle),
      'forPassing',
    );
    const taken = this.#tailEnds.get(topic) === line + 1;
    const end = tailBytes > 0 && (this.#options.untilEnd || taken) ? line + 1 : line;
    if (end > line) this.#tailEnds.set(topic, end);
    return [{ startOffset: 0n, endOffset: BigInt(end) }];
  }

  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    if (!this.#options.untilEnd) await this.#announceNew(listener);
    if (this.#options.untilEnd) await this.#findUnnamed(listener);
    listener.assigned(this.#assignment(), this.#unnamed);
    if (!this.#options.untilEnd) this.#watching = this.#watch(listener);
  }

  open({ topic }: TopicPartition, offset: bigint, expectedTopicId: string | null): PartitionFeed {
    const context: FeedContext = {
      ...this.#options,
      limits: this.#limits(),
      handles: this.#handles,
      conditions: this.#conditions,
      identified: (name, id) => this.#identified(name, id),
      closed: (closed) => void this.#feeds.delete(closed),
      readTime: this.#readTime,
      takesTail: (name, line) => this.#options.untilEnd && this.#tailEnds.get(name) === line + 1,
      tailTaken: (name, nextLine) => this.#tailEnds.set(name, nextLine),
    };
    const file = fileOf(this.#options.baseDir, topic);
    const seen = this.#identities.get(topic) ?? null;
    const id = expectedTopicId === null ? null : longerOf(expectedTopicId, seen);
    const feed = new FileFeed(context, file, this.#index(topic), Number(offset), id);
    this.#feeds.add(feed);
    return feed;
  }

  /** Each file's next chunk stays in memory until its records are written, so files share the memory. */
  #limits(): ReadLimits {
    const { limits, readBytesMax } = this.#options;
    const shareBytes = Math.max(CHUNK_BYTES_LEAST, Math.floor(readBytesMax / Math.max(1, this.#known.size)));
    return { ...limits, chunkBytes: Math.min(limits.chunkBytes, shareBytes) };
  }

  /** A deleted file is not a replaced one: what was read of it remains valid. */
  async verifyIdentity(topic: string, expectedTopicId: string | null): Promise<void> {
    if (expectedTopicId === null) return;
    const file = fileOf(this.#options.baseDir, topic);
    // This process may have seen more of the file than the journal knew when it was opened.
    const id = longerOf(expectedTopicId, this.#identities.get(topic) ?? null) ?? expectedTopicId;
    let found: string | null;
    try {
      found = await this.#looks.at(
        topic,
        async (handle) => {
          const compared = await compareIdentity(handle, id);
          return compared === 'other' ? identityOf(handle) : compared;
        },
        'all',
      );
    } catch (error) {
      if (error instanceof TidemarkError && errors.isAbsent(error.cause)) return;
      throw error;
    }
    if (found !== 'same') throw errors.replaced(file, id, found === 'short' ? null : found);
  }

  async commitOffset(): Promise<void> {
    return Promise.resolve();
  }

  async readWitness(): Promise<null> {
    return Promise.resolve(null);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#feeds].map((feed) => feed.close()));
    this.#feeds.clear();
    await this.#watching;
  }

  /**
   * Facts of every existing file. Files described before keep their facts, but get a missing id. A file that
   * cannot be read is described without an id: only its own partition has to wait, in its feed.
   */
  async #discover(isKnown: (topic: string) => boolean = () => false): Promise<TopicFacts[]> {
    const { baseDir, pattern } = this.#options;
    const topics: TopicFacts[] = [];
    for (const { topic } of await matchingFiles(baseDir, pattern)) {
      if (isKnown(topic)) continue;
      try {
        const topicId = await this.#looks.at(topic, identityOf, 'none');
        topics.push({ topic, topicId, partitions: 1 });
      } catch (error) {
        if (!isSourceFailure(error, 'unreadable')) throw error;
        // Deleted since it was listed.
        if (errors.isAbsent(error.cause)) continue;
        if (!this.#known.has(topic)) this.#options.log.warn({ topic, err: error }, error.message);
        topics.push({ topic, topicId: null, partitions: 1 });
      }
    }
    for (const facts of topics) this.#known.set(facts.topic, facts);
    return topics;
  }

  async #watch(listener: SourceListener): Promise<void> {
    const { clock, log, pollMs, pattern } = this.#options;
    const { signal } = this.#stopping;
    let told = false;
    const wait = new FileWait(this.#conditions, 'listing');
    await this.#findUnnamed(listener);
    if (this.#unnamed.length > 0 && !signal.aborted) listener.assigned(this.#assignment(), this.#unnamed);
    for (;;) {
      await pauseUnless(signal, clock, pollMs);
      if (signal.aborted) {
        wait.over();
        return;
      }
      try {
        if (await this.#announceNew(listener)) listener.assigned(this.#assignment(), this.#unnamed);
        told = false;
        wait.over();
      } catch (error) {
        wait.failed(`Files that match ${pattern}`, errors.unlisted(pattern, error));
        if (!told) log.warn({ err: error }, `Files that match ${pattern} cannot be listed; trying again.`);
        told = true;
      }
    }
  }

  /** Finds files that are gone or unmatched but not all published. The lock's owner takes them over. */
  async #findUnnamed(listener: SourceListener): Promise<void> {
    const { log, clock, pollMs } = this.#options;
    const assigned = new Set(this.#assignment().map(partitionName));
    for (let told = false; listener.unfinished !== undefined && !this.#stopping.signal.aborted; told = true) {
      try {
        this.#unnamed = await listener.unfinished(assigned);
        return;
      } catch (error) {
        if (this.#options.untilEnd) throw error;
        if (!told)
          log.warn({ err: error }, 'Whether files that are gone have unpublished lines is not known yet.');
        await pauseUnless(this.#stopping.signal, clock, pollMs);
      }
    }
  }

  /** Whether there are new files. */
  async #announceNew(listener: SourceListener): Promise<boolean> {
    const appeared = await this.#discover((topic) => this.#known.has(topic));
    if (this.#stopping.signal.aborted) return false;
    for (const facts of appeared) listener.topicAppeared(facts);
    return appeared.length > 0;
  }

  /** Journaled, so that the next process knows as much of the file. */
  #identified(topic: string, id: string): void {
    this.#identities.set(topic, id);
    const facts = this.#known.get(topic);
    if (facts === undefined || this.#stopping.signal.aborted) return;
    if (!isWorthRenewing(facts.topicId, coveredBytes(id) ?? 0)) return;
    const renewed = { ...facts, topicId: id };
    this.#known.set(topic, renewed);
    this.#listener?.topicAppeared(renewed);
  }

  #assignment(): TopicPartition[] {
    return [...this.#known.keys()].map((topic) => ({ topic, partition: 0 }));
  }

  #index(topic: string): LineIndex {
    const known = this.#indexes.get(topic);
    if (known !== undefined) return known;
    const index = new LineIndex();
    this.#indexes.set(topic, index);
    return index;
  }

  async #firstLineSince(handle: FileHandle, topic: string, atMs: number): Promise<number> {
    const times = new FileTimes(this.#readTime, () => undefined);
    for (let line = 0, byte = 0; ;) {
      const chunk = await readLines(handle, byte, this.#options.limits);
      if (chunk.type === 'tooLong') {
        throw errors.lineTooLong(
          fileOf(this.#options.baseDir, topic),
          line,
          this.#options.limits.lineBytesMax,
        );
      }
      if (chunk.type !== 'lines') return line;
      const cursor = lineCursor(chunk.lines, line, times, chunk.mtimeMs);
      while (cursor.next()) if (cursor.timestampMs >= atMs) return line + cursor.offsetDelta;
      line += chunk.lines.count;
      byte = chunk.nextByte;
    }
  }
}
