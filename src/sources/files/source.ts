/**
 * Files as a source: every matching file is a topic with one partition, every line a record, its number (from 0) the offset.
 *
 * A record is a line with its newline; the last line of a file counts once its newline is written. A bounded run (`untilEnd`)
 * takes a last line without newline for complete, since nobody is going to end it. If such a line grows later, the feed stops
 * with SOURCE_RANGE_LOST where it sees it grow; what it grew by between two runs cannot be seen.
 * Files are only ever to be appended to.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import { hasCode, TidemarkError } from '../../../journal/errors.ts';
import type { Clock } from '../../system/clock.ts';
import type { Conditions } from '../../telemetry/conditions.ts';
import { pauseUnless } from '../../system/pacing.ts';
import { coveredBytes } from '../fileId.ts';
import type { OffsetRange, PartitionFeed, Source, SourceFacts, SourceListener } from '../port.ts';
import type { TopicFacts } from '../port.ts';
import type { StartFrom } from '../port.ts';
import type { Log } from '../../telemetry/log.ts';
import * as errors from './errors.ts';
import { FileFeed, type FeedContext } from './feed.ts';
import { FileWait } from './wait.ts';
import { SourceHandles } from './handles.ts';
import { compareIdentity, identityOf, isWorthRenewing, longerOf } from './identity.ts';
import { lineCursor } from './lineBatch.ts';
import { readLines, type ReadLimits } from './lineChunk.ts';
import { LineIndex } from './lineIndex.ts';
import { fileOf, matchingFiles } from './matching.ts';
import { FileTimes, timeReader, type TimeReader } from './recordTime.ts';

export interface FileSourceOptions {
  /** Absolute. Topics are paths relative to it. */
  readonly baseDir: string;
  /** Glob relative to baseDir (`data/*.ndjson`, `**` allowed), or absolute. Hidden files match only where it names the dot. */
  readonly pattern: string;
  /**
   * Dotted path of the record's time in the JSON of each line: a number is epoch milliseconds, a string an ISO time (UTC where it
   * has no zone). A line without a readable one gets the time at which the file was last changed, as all do where this is null.
   */
  readonly time: string | null;
  readonly clock: Clock;
  readonly log: Log;
  /** Bounded run: a last line without newline is a record, and files that appear later are left alone. */
  readonly untilEnd?: boolean;
  /** How often files are looked at for growth, and the folder for new files. */
  readonly pollMs?: number;
  /** How long a file that is missing or too short is waited for before its partition stops. */
  readonly stableMs?: number;
  /** What is read at once, and the longest line. */
  readonly limits?: ReadLimits;
  /** What all files together may read ahead, beyond a least chunk of each. */
  readonly readBytesMax?: number;
  /** How many files may be open at once. */
  readonly handlesMax?: number;
  /** Where it tells what it tries again; absent where nobody asks. */
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
  /** The end of the bounded run where it includes a line without newline, by topic. */
  readonly #tailEnds = new Map<string, number>();
  /** The ids that cover most of the files that feeds have proved, by topic. */
  readonly #identities = new Map<string, string>();
  #listener: SourceListener | null = null;
  readonly #feeds = new Set<FileFeed>();
  readonly #handles: SourceHandles;
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
      case 'earliest':
      case 'group':
        return [0n];
      case 'latest':
        return [
          BigInt(
            (await this.#withFile(topic, (handle) => this.#index(topic).count(handle), 'forPassing')).line,
          ),
        ];
      case 'time':
        return [
          BigInt(
            await this.#withFile(
              topic,
              (handle) => this.#firstLineSince(handle, topic, startFrom.atMs),
              'forPassing',
            ),
          ),
        ];
    }
  }

  async ranges(topic: string): Promise<OffsetRange[]> {
    const { line, tailBytes } = await this.#withFile(
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

  /** Each file's next chunk waits in memory until its records are written. */
  #limits(): ReadLimits {
    const { limits, readBytesMax } = this.#options;
    const shareBytes = Math.max(CHUNK_BYTES_LEAST, Math.floor(readBytesMax / Math.max(1, this.#known.size)));
    return { ...limits, chunkBytes: Math.min(limits.chunkBytes, shareBytes) };
  }

  /** A file that was deleted is no other one: what was read of it counts. */
  async verifyIdentity(topic: string, expectedTopicId: string | null): Promise<void> {
    if (expectedTopicId === null) return;
    const file = fileOf(this.#options.baseDir, topic);
    // What this process has seen of the file may be more than what the journal knew when it was opened.
    const id = longerOf(expectedTopicId, this.#identities.get(topic) ?? null) ?? expectedTopicId;
    let found: string | null;
    try {
      found = await this.#withFile(
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
   * Facts of every file that is there; those described before keep theirs, except an id that could not be told then. One that cannot be read
   * is described without an id: its partition is held up by its feed, and no other.
   */
  async #discover(isKnown: (topic: string) => boolean = () => false): Promise<TopicFacts[]> {
    const { baseDir, pattern } = this.#options;
    const topics: TopicFacts[] = [];
    for (const { topic } of await matchingFiles(baseDir, pattern)) {
      if (isKnown(topic)) continue;
      try {
        const topicId = await this.#withFile(topic, identityOf, 'none');
        topics.push({ topic, topicId, partitions: 1 });
      } catch (error) {
        if (!hasCode(error, 'SOURCE_UNREADABLE')) throw error;
        // Gone since it was listed.
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

  /** Files that are gone, or that the pattern names no more, whose lines are not all published: the lock's owner settles them. */
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

  /** Journaled, so that the next process knows the file by as much. */
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

  /**
   * Rejects with SOURCE_UNREADABLE where the file is not there or cannot be read, with patience for `all` but a file that is gone only
   * once that was so for a while. What the process is short of is waited for.
   */
  async #withFile<T>(
    topic: string,
    use: (handle: FileHandle) => Promise<T>,
    patience: 'none' | 'forPassing' | 'all',
  ): Promise<T> {
    const wait = new FileWait(this.#conditions, `looking at ${topic}`);
    try {
      return await this.#tryWithFile(topic, use, patience, wait);
    } finally {
      wait.over();
    }
  }

  async #tryWithFile<T>(
    topic: string,
    use: (handle: FileHandle) => Promise<T>,
    patience: 'none' | 'forPassing' | 'all',
    wait: FileWait,
  ): Promise<T> {
    const { baseDir, clock, log, pollMs, stableMs } = this.#options;
    const file = fileOf(baseDir, topic);
    const startedMs = clock.nowMs();
    for (let told = ''; ;) {
      try {
        return await this.#handles.during(() => withHandle(file.path, use));
      } catch (error) {
        const code = errors.systemCodeOf(error);
        if (error instanceof TidemarkError || code === null) throw error;
        const isBorne = patience === 'all' ? !errors.isAbsent(error) : errors.mayPass(code);
        const isOver = patience === 'none' || !isBorne || clock.nowMs() - startedMs >= stableMs;
        if (this.#stopping.signal.aborted || (isOver && !errors.isScarce(code)))
          throw errors.unreadable(file, error);
        wait.failed(partitionName({ topic, partition: 0 }), errors.unreadable(file, error));
        if (told !== code)
          log.warn({ topic, systemCode: code }, `${file.path} cannot be read: ${code}; trying again.`);
        told = code;
        await pauseUnless(this.#stopping.signal, clock, pollMs);
      }
    }
  }
}

async function withHandle<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r');
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
