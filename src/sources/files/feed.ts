/**
 * Reads one file from a line on, while the file grows. It never moves or skips an offset: if the file is not
 * the one that was read, it fails with an error that names the lines.
 */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { TidemarkError } from '../../../journal/errors.ts';
import { partitionName } from '../../../journal/ids.ts';
import type { Clock } from '../../system/clock.ts';
import type { Conditions } from '../../telemetry/conditions.ts';
import { pauseUnless } from '../../system/pacing.ts';
import type { FetchedBatch, PartitionFeed } from '../port.ts';
import type { Log } from '../../telemetry/log.ts';
import * as errors from './errors.ts';
import { FileWait } from './wait.ts';
import type { HandleKeeper, SourceHandles } from './handles.ts';
import { compareIdentity, identityOf, isWorthRenewing, longerOf } from './identity.ts';
import { lineBatch } from './lineBatch.ts';
import { readLines, type LineChunk, type ReadLimits } from './lineChunk.ts';
import { inodeOf, type LineIndex } from './lineIndex.ts';
import { FileTimes, type TimeReader } from './recordTime.ts';

export interface FeedContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: ReadLimits;
  readonly handles: SourceHandles;
  readonly pollMs: number;
  /** How long to wait for a file that is missing or too short, in milliseconds. */
  readonly stableMs: number;
  readonly readTime: TimeReader | null;
  /** Whether the bounded run includes this line, which has no newline. */
  readonly takesTail: (topic: string, line: number) => boolean;
  /** Reports that the lines before `nextLine` are records, although the last one has no newline. */
  readonly tailTaken: (topic: string, nextLine: number) => void;
  /** Reports an id that covers more of the file than the one it was opened with. */
  readonly identified: (topic: string, id: string) => void;
  readonly closed: (feed: FileFeed) => void;
  readonly conditions: Conditions | null;
}

const GONE_AT_END = 'is gone; everything in it was read';
const GONE_AT_TAIL = 'is gone; its last line has no newline and was not read';

interface Opened {
  readonly handle: FileHandle;
  readonly inode: string;
}

/** A file whose handle was closed because other feeds needed one. */
interface Aside {
  readonly inode: string;
  /** The file's size if it was read to the end; null if something may be unread. */
  readonly sizeAtEnd: bigint | null;
}

export class FileFeed implements PartitionFeed, HandleKeeper {
  readonly #context: FeedContext;
  readonly #file: errors.NamedFile;
  readonly #index: LineIndex;
  readonly #abort = new AbortController();
  /** The fingerprint that the file must have: the journaled one, or the first one seen. */
  #identity: string | null;
  #opened: Opened | null = null;
  #aside: Aside | null = null;
  /** The size at which the last read found nothing; null if it found something. */
  #sizeAtEnd: bigint | null = null;
  readonly #times: FileTimes;
  /** The next line to read, and the byte at which it begins. */
  #line: number;
  #byte = 0;
  /** The previous line has no newline and was read as complete. */
  #behindTail = false;
  /** The size at which the file ended within a line. Nothing is read again until the file grows. */
  #idleAtBytes = -1;
  #suspicion: { readonly what: string; readonly sinceMs: number } | null = null;
  #told = '';
  readonly #wait: FileWait;
  /** Settles when no read is in progress. */
  #attempting: Promise<unknown> = Promise.resolve();
  /** Settles when the handle that others need is closed. */
  #leaving: Promise<void> = Promise.resolve();

  constructor(
    context: FeedContext,
    file: errors.NamedFile,
    index: LineIndex,
    line: number,
    identity: string | null,
  ) {
    this.#context = context;
    this.#file = file;
    this.#index = index;
    this.#line = line;
    this.#identity = identity;
    this.#wait = new FileWait(context.conditions, `reading ${file.topic}`);
    this.#times = new FileTimes(context.readTime, (at) => {
      const message =
        `Line ${at} of ${file.path} has no readable time; it and others like it get the time at which ` +
        'the file was changed.';
      context.log.warn({ topic: file.topic, line: at }, message);
    });
  }

  async next(): Promise<FetchedBatch> {
    const { clock, pollMs } = this.#context;
    const { signal } = this.#abort;
    for (;;) {
      signal.throwIfAborted();
      const attempt = this.#attempt();
      this.#attempting = attempt.catch(() => undefined);
      const batch = await attempt;
      signal.throwIfAborted();
      if (batch !== null) {
        // Yields to other partitions, even if every read of this one is served from the page cache.
        await turn();
        return batch;
      }
      await pauseUnless(signal, clock, pollMs);
    }
  }

  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#wait.over();
    await Promise.allSettled([this.#attempting, this.#leaving]);
    this.#tellTimes();
    await this.#letGo();
    this.#context.closed(this);
  }

  /** Null if there is nothing to read now. System failures are logged once and retried. */
  async #attempt(): Promise<FetchedBatch | null> {
    try {
      this.#context.handles.use(this);
      if (this.#aside !== null && (await this.#isUnchanged(this.#aside))) {
        this.#noSuspicion();
        return null;
      }
      const opened = this.#opened ?? (await this.#open());
      if (opened === null) return null;
      const batch = await this.#read(opened);
      this.#told = '';
      this.#noSuspicion();
      return batch;
    } catch (error) {
      if (error instanceof TidemarkError) throw error;
      const code = errors.systemCodeOf(error);
      if (code === null || this.#abort.signal.aborted) throw error;
      await this.#letGo();
      const unreadable = errors.unreadable(this.#file, error, this.#line);
      if (errors.isScarce(code)) {
        this.#tellOnce(`cannot be read: ${code}; trying again`);
        this.#failed(unreadable);
      } else this.#suspect(`cannot be read: ${code}`, unreadable);
      return null;
    } finally {
      if (this.#opened !== null) this.#context.handles.rest(this, this.#sizeAtEnd !== null);
    }
  }

  putAside(): Promise<void> {
    this.#leaving = this.#putAside();
    return this.#leaving;
  }

  async #putAside(): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return;
    // Immediately: a read that begins meanwhile must not use this handle.
    this.#opened = null;
    const aside = { inode: opened.inode, sizeAtEnd: null };
    this.#aside = aside;
    const [line, byte] = [this.#line, this.#byte];
    // So that reopening finds the line immediately, without reading the file again.
    if (!this.#behindTail) this.#index.remember(line, byte);
    // If the size is not known, something may be unread.
    const size = await opened.handle.stat({ bigint: true }).then(
      (stats) => stats.size,
      () => null,
    );
    const isAtEnd = size !== null && (this.#sizeAtEnd === size || BigInt(byte) === size);
    if (this.#aside === aside && isAtEnd) this.#aside = { ...aside, sizeAtEnd: size };
    await opened.handle.close().finally(() => this.#context.handles.give());
  }

  /** Whether the file is certain to hold nothing new since it was put aside. */
  async #isUnchanged({ inode, sizeAtEnd }: Aside): Promise<boolean> {
    if (sizeAtEnd === null) return false;
    const found = await this.#look();
    if (found === null) this.#tellOnce(GONE_AT_END);
    return found === null || (found.inode === inode && found.size === sizeAtEnd);
  }

  /** The file that has this name now. */
  async #look(): Promise<{ readonly inode: string; readonly size: bigint } | null> {
    try {
      const stats = await stat(this.#file.path, { bigint: true });
      return { inode: inodeOf(stats), size: stats.size };
    } catch (error) {
      if (!errors.isAbsent(error)) throw error;
      return null;
    }
  }

  /** Opens the file, proves that it is the expected one and finds the line. Null if that has to wait. */
  async #open(): Promise<Opened | null> {
    const { handles } = this.#context;
    await handles.take();
    try {
      this.#opened = await this.#openTaken();
    } finally {
      if (this.#opened === null) handles.give();
    }
    return this.#opened;
  }

  async #openTaken(): Promise<Opened | null> {
    let handle: FileHandle;
    try {
      handle = await open(this.#file.path, 'r');
    } catch (error) {
      if (!errors.isAbsent(error)) throw error;
      this.#suspect('is gone', errors.gone(this.#file, this.#line));
      return null;
    }
    try {
      const opened = await this.#prove(handle);
      if (opened === null) {
        await handle.close();
        return null;
      }
      this.#aside = null;
      return opened;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #prove(handle: FileHandle): Promise<Opened | null> {
    const stats = await handle.stat({ bigint: true });
    if (this.#identity !== null) {
      const compared = await compareIdentity(handle, this.#identity);
      if (compared === 'other') throw errors.replaced(this.#file, this.#identity, await identityOf(handle));
      if (compared === 'short') {
        // The file may be in the middle of a rewrite.
        this.#suspect('is shorter than it was', errors.replaced(this.#file, this.#identity, null));
        return null;
      }
    }
    if (isWorthRenewing(this.#identity, Infinity)) await this.#renewIdentity(handle);
    const place = await this.#index.find(handle, this.#line, this.#abort.signal);
    const behindTail = place.line === this.#line - 1 && place.tailBytes > 0;
    if (place.line < this.#line && !behindTail) {
      this.#suspect('is too short', errors.beyondEnd(this.#file, this.#line, place.line));
      return null;
    }
    this.#byte = place.byte + place.tailBytes;
    this.#behindTail = behindTail;
    if (behindTail) this.#context.tailTaken(this.#file.topic, this.#line);
    this.#idleAtBytes = -1;
    return { handle, inode: inodeOf(stats) };
  }

  /** Records a longer id. The file was just proved to be the expected one. */
  async #renewIdentity(handle: FileHandle): Promise<void> {
    const longer = longerOf(this.#identity, await identityOf(handle));
    if (longer === null || longer === this.#identity) return;
    this.#identity = longer;
    this.#context.identified(this.#file.topic, longer);
  }

  async #read(opened: Opened): Promise<FetchedBatch | null> {
    this.#sizeAtEnd = null;
    const { size } = await opened.handle.stat();
    if (isWorthRenewing(this.#identity, this.#byte)) await this.#renewIdentity(opened.handle);
    if (size === this.#idleAtBytes) return this.#atEnd(opened, size, 'tail');
    if (this.#behindTail && !(await this.#passTail(opened.handle, size)))
      return this.#atEnd(opened, size, 'end');
    const chunk = await readLines(opened.handle, this.#byte, this.#context.limits);
    switch (chunk.type) {
      case 'lines':
        return this.#take(chunk);
      case 'tail':
        if (this.#context.takesTail(this.#file.topic, this.#line)) return this.#takeTail(chunk);
        this.#idleAtBytes = chunk.nextByte;
        return this.#atEnd(opened, chunk.nextByte, 'tail');
      case 'end':
        return this.#atEnd(opened, size, 'end');
      case 'shrunk':
        throw errors.shrunk(this.#file, this.#line, this.#byte, chunk.sizeBytes);
      case 'torn':
        throw errors.rewritten(this.#file, this.#line, this.#byte);
      case 'tooLong':
        throw errors.lineTooLong(this.#file, this.#line, this.#context.limits.lineBytesMax);
    }
  }

  #take({ lines, nextByte, mtimeMs }: Extract<LineChunk, { lines: unknown }>): FetchedBatch {
    const batch = lineBatch(lines, this.#line, this.#times, mtimeMs);
    this.#line += lines.count;
    this.#byte = nextByte;
    return batch;
  }

  #takeTail(chunk: Extract<LineChunk, { type: 'tail' }>): FetchedBatch {
    this.#context.log.warn(
      { topic: this.#file.topic, line: this.#line },
      `The last line of ${this.#file.path} has no newline; this bounded run takes it for complete. Do ` +
        'not append to it any more.',
    );
    const batch = this.#take(chunk);
    this.#behindTail = true;
    this.#context.tailTaken(this.#file.topic, this.#line);
    return batch;
  }

  /** Checks that a line that was read without its newline got only that. False if it got nothing yet. */
  async #passTail(handle: FileHandle, size: number): Promise<boolean> {
    if (size < this.#byte) throw errors.shrunk(this.#file, this.#line, this.#byte, size);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, this.#byte);
    if (bytesRead === 0) return false;
    if (buffer[0] !== 0x0a) throw errors.tailGrew(this.#file, this.#line - 1);
    this.#byte += 1;
    this.#behindTail = false;
    return true;
  }

  /** At the end of this inode: continues in another file of that name, which must hold the same lines. */
  async #atEnd(opened: Opened, size: number, where: 'end' | 'tail'): Promise<null> {
    this.#sizeAtEnd = BigInt(size);
    const current = await this.#look();
    if (current === null) {
      this.#tellOnce(where === 'end' ? GONE_AT_END : GONE_AT_TAIL);
    } else if (current.inode !== opened.inode) {
      this.#context.log.info(
        { topic: this.#file.topic },
        `${this.#file.path} is another file now; looking at it.`,
      );
      await this.#letGo();
    }
    return null;
  }

  /** Throws if it lasts for `stableMs`: a file may be missing or short for a moment while it is rewritten. */
  #suspect(what: string, error: TidemarkError): void {
    const { clock, stableMs } = this.#context;
    const nowMs = clock.nowMs();
    if (this.#suspicion?.what !== what) {
      this.#suspicion = { what, sinceMs: nowMs };
      this.#tellOnce(`${what}; if that stays so for ${Math.round(stableMs / 1000)} s the partition stops`);
    }
    if (nowMs - this.#suspicion.sinceMs >= stableMs) throw error;
    this.#failed(error);
  }

  #noSuspicion(): void {
    this.#suspicion = null;
    this.#wait.over();
  }

  #failed(error: TidemarkError): void {
    if (!this.#abort.signal.aborted)
      this.#wait.failed(partitionName({ topic: this.#file.topic, partition: 0 }), error);
  }

  #tellOnce(what: string): void {
    if (this.#told === what) return;
    this.#told = what;
    this.#context.log.warn({ topic: this.#file.topic, line: this.#line }, `${this.#file.path} ${what}.`);
  }

  #tellTimes(): void {
    const { linesWithout } = this.#times;
    if (linesWithout === 0) return;
    const fields = { topic: this.#file.topic, linesWithout };
    this.#context.log.info(fields, `${linesWithout} lines of ${this.#file.path} had no readable time.`);
  }

  async #letGo(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    const { handles } = this.#context;
    handles.use(this);
    await opened?.handle.close().finally(() => handles.give());
  }
}
