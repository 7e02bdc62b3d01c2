/**
 * Reading one file from a line on, as it grows. Nothing is moved or skipped: a file that is not what it was is an error that
 * names the lines.
 */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { TidemarkError } from '../../journal/errors.ts';
import type { Clock } from '../clock.ts';
import { pauseUnless } from '../kafka/pacing.ts';
import type { FetchedBatch, PartitionFeed } from '../source/port.ts';
import type { Log } from '../telemetry/log.ts';
import * as errors from './fileErrors.ts';
import { fingerprintOf } from './identity.ts';
import { lineBatch } from './lineBatch.ts';
import { readLines, type LineChunk, type ReadLimits } from './lineChunk.ts';
import type { LineIndex } from './lineIndex.ts';
import { FileTimes, type TimeReader } from './recordTime.ts';

export interface FeedContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: ReadLimits;
  readonly pollMs: number;
  /** How long a file that is missing or too short is waited for. */
  readonly stableMs: number;
  readonly readTime: TimeReader | null;
  /** Whether this line, which has no newline, belongs to the bounded run. */
  readonly takesTail: (topic: string, line: number) => boolean;
  /** Lines up to this one count although the last has no newline. */
  readonly tailTaken: (topic: string, nextLine: number) => void;
  readonly closed: (feed: FileFeed) => void;
}

interface Opened {
  readonly handle: FileHandle;
  readonly inode: string;
  readonly times: FileTimes;
}

const inodeOf = ({ dev, ino }: { dev: bigint; ino: bigint }): string => `${dev}:${ino}`;

export class FileFeed implements PartitionFeed {
  readonly #context: FeedContext;
  readonly #file: errors.NamedFile;
  readonly #index: LineIndex;
  readonly #abort = new AbortController();
  /** The fingerprint that the file must have: as journaled, or as first seen. */
  #identity: string | null;
  #opened: Opened | null = null;
  /** The next line to read, and where it begins. */
  #line: number;
  #byte = 0;
  /** The line before has no newline and was taken for complete. */
  #behindTail = false;
  /** The size at which the file ended within a line: nothing to read again before it grows. */
  #idleAtBytes = -1;
  #suspicion: { readonly what: string; readonly sinceMs: number } | null = null;
  #told = '';
  /** Settles when nothing is being read. */
  #attempting: Promise<unknown> = Promise.resolve();

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
        // Other partitions get their turn also while this one finds everything in the page cache.
        await turn();
        return batch;
      }
      await pauseUnless(signal, clock, pollMs);
    }
  }

  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    await this.#attempting;
    this.#tellTimes();
    await this.#letGo();
    this.#context.closed(this);
  }

  /** Null where there is nothing to read now. Failures of the system are told once and tried again. */
  async #attempt(): Promise<FetchedBatch | null> {
    try {
      const opened = this.#opened ?? (await this.#open());
      if (opened === null) return null;
      const batch = await this.#read(opened);
      this.#told = '';
      return batch;
    } catch (error) {
      if (error instanceof TidemarkError) throw error;
      const code = errors.systemCodeOf(error);
      if (code === null || this.#abort.signal.aborted) throw error;
      this.#tellOnce(`cannot be read: ${code}; trying again`);
      await this.#letGo();
      return null;
    }
  }

  /** Opens the file, proves that it is the one expected and finds the line; null where that has to wait. */
  async #open(): Promise<Opened | null> {
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
      if (opened === null) await handle.close();
      else this.#suspicion = null;
      this.#opened = opened;
      return opened;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #prove(handle: FileHandle): Promise<Opened | null> {
    const stats = await handle.stat({ bigint: true });
    const found = await fingerprintOf(handle);
    if (this.#identity !== null && found !== this.#identity) {
      const error = errors.replaced(this.#file, this.#identity, found);
      if (found !== null) throw error;
      // Perhaps somebody is writing it anew at this moment.
      this.#suspect('has no complete line', error);
      return null;
    }
    this.#identity ??= found;
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
    const times = new FileTimes(Number(stats.mtimeMs), this.#context.readTime, (line) => {
      this.#context.log.warn(
        { topic: this.#file.topic, line },
        `Line ${line} of ${this.#file.path} has no readable time; it and others like it get the time at which the file was changed.`,
      );
    });
    return { handle, inode: inodeOf(stats), times };
  }

  async #read(opened: Opened): Promise<FetchedBatch | null> {
    const { size } = await opened.handle.stat();
    if (size === this.#idleAtBytes) return this.#atEnd(opened, 'tail');
    if (this.#behindTail && !(await this.#passTail(opened.handle, size))) return this.#atEnd(opened, 'end');
    const chunk = await readLines(opened.handle, this.#byte, this.#context.limits);
    switch (chunk.type) {
      case 'lines':
        return this.#take(opened, chunk);
      case 'tail':
        if (this.#context.takesTail(this.#file.topic, this.#line)) return this.#takeTail(opened, chunk);
        this.#idleAtBytes = chunk.nextByte;
        return this.#atEnd(opened, 'tail');
      case 'end':
        return this.#atEnd(opened, 'end');
      case 'shrunk':
        throw errors.shrunk(this.#file, this.#line, this.#byte, chunk.sizeBytes);
      case 'torn':
        throw errors.rewritten(this.#file, this.#line, this.#byte);
      case 'tooLong':
        throw errors.lineTooLong(this.#file, this.#line, this.#context.limits.lineBytesMax);
    }
  }

  #take(opened: Opened, { lines, nextByte }: Extract<LineChunk, { lines: unknown }>): FetchedBatch {
    const batch = lineBatch(lines, this.#line, opened.times);
    this.#line += lines.count;
    this.#byte = nextByte;
    return batch;
  }

  #takeTail(opened: Opened, chunk: Extract<LineChunk, { type: 'tail' }>): FetchedBatch {
    this.#context.log.warn(
      { topic: this.#file.topic, line: this.#line },
      `The last line of ${this.#file.path} has no newline; this bounded run takes it for complete. Do not append to it any more.`,
    );
    const batch = this.#take(opened, chunk);
    this.#behindTail = true;
    this.#context.tailTaken(this.#file.topic, this.#line);
    return batch;
  }

  /** The line that was taken without its newline may only get just that; false where it got nothing yet. */
  async #passTail(handle: FileHandle, size: number): Promise<boolean> {
    if (size < this.#byte) throw errors.shrunk(this.#file, this.#line, this.#byte, size);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, this.#byte);
    if (bytesRead === 0) return false;
    if (buffer[0] !== 0x0a) throw errors.tailGrew(this.#file, this.#line - 1);
    this.#byte += 1;
    this.#behindTail = false;
    return true;
  }

  /** Everything in this inode is read. Another file under the name is taken up where it holds the same lines and more. */
  async #atEnd(opened: Opened, where: 'end' | 'tail'): Promise<null> {
    let current: string | null;
    try {
      current = inodeOf(await stat(this.#file.path, { bigint: true }));
    } catch (error) {
      if (!errors.isAbsent(error)) throw error;
      current = null;
    }
    if (current === null) {
      this.#tellOnce(
        where === 'end'
          ? 'is gone; everything in it was read'
          : 'is gone; its last line has no newline and was not read',
      );
    } else if (current !== opened.inode) {
      this.#context.log.info(
        { topic: this.#file.topic },
        `${this.#file.path} is another file now; looking at it.`,
      );
      await this.#letGo();
    }
    return null;
  }

  /** Throws once it has been so for a while: a file may be missing or short for a moment while it is written anew. */
  #suspect(what: string, error: TidemarkError): void {
    const { clock, stableMs } = this.#context;
    const nowMs = clock.nowMs();
    if (this.#suspicion?.what !== what) {
      this.#suspicion = { what, sinceMs: nowMs };
      this.#tellOnce(`${what}; if that stays so for ${Math.round(stableMs / 1000)} s the partition stops`);
    }
    if (nowMs - this.#suspicion.sinceMs >= stableMs) throw error;
  }

  #tellOnce(what: string): void {
    if (this.#told === what) return;
    this.#told = what;
    this.#context.log.warn({ topic: this.#file.topic, line: this.#line }, `${this.#file.path} ${what}.`);
  }

  #tellTimes(): void {
    const linesWithout = this.#opened?.times.linesWithout ?? 0;
    if (linesWithout === 0) return;
    const fields = { topic: this.#file.topic, linesWithout };
    this.#context.log.info(fields, `${linesWithout} lines of ${this.#file.path} had no readable time.`);
  }

  async #letGo(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.handle.close();
  }
}
