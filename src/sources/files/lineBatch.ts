/** Lines as a fetched batch: a flyweight cursor over the chunk that holds them. */
import type { FetchedBatch, RecordCursor } from '../port.ts';
import type { Lines } from './lineChunk.ts';
import type { FileTimes } from './recordTime.ts';

const NO_KEY = Buffer.alloc(0);

class LineCursor implements RecordCursor {
  readonly baseOffset: bigint;
  readonly keyBytes = NO_KEY;
  readonly keyStart = -1;
  readonly keyEnd = -1;
  readonly headersStart = -1;
  readonly headersEnd = -1;
  readonly valueBytes: Buffer;
  offsetDelta = -1;
  valueStart = -1;
  valueEnd = -1;
  readonly #lines: Lines;
  readonly #firstLine: number;
  readonly #times: FileTimes;
  readonly #fileTimeMs: number;
  #timeDelta = -1;
  #timeMs = 0;

  constructor(lines: Lines, firstLine: number, times: FileTimes, fileTimeMs: number) {
    this.baseOffset = BigInt(firstLine);
    this.valueBytes = lines.buffer;
    this.#lines = lines;
    this.#firstLine = firstLine;
    this.#times = times;
    this.#fileTimeMs = Math.floor(fileTimeMs);
  }

  next(): boolean {
    const { start, ends, count } = this.#lines;
    const index = this.offsetDelta + 1;
    if (index >= count) return false;
    this.valueStart = index === 0 ? start : this.valueEnd + 1;
    this.valueEnd = ends[index] ?? this.valueStart;
    this.offsetDelta = index;
    return true;
  }

  /** Parsed only on demand. */
  get timestampMs(): number {
    if (this.#timeDelta !== this.offsetDelta) {
      this.#timeDelta = this.offsetDelta;
      const line = this.#firstLine + this.offsetDelta;
      const read = this.#times.timeOf(this.valueBytes, this.valueStart, this.valueEnd, line);
      this.#timeMs = read ?? this.#fileTimeMs;
    }
    return this.#timeMs;
  }
}

/** @param fileTimeMs when the file was last changed before the lines were read. */
export function lineCursor(
  lines: Lines,
  firstLine: number,
  times: FileTimes,
  fileTimeMs: number,
): RecordCursor {
  return new LineCursor(lines, firstLine, times, fileTimeMs);
}

export function lineBatch(
  lines: Lines,
  firstLine: number,
  times: FileTimes,
  fileTimeMs: number,
): FetchedBatch {
  return {
    fetchedOffset: BigInt(firstLine),
    nextOffset: BigInt(firstLine + lines.count),
    leaderEpoch: null,
    sizeBytes: lines.buffer.length,
    records: () => lineCursor(lines, firstLine, times, fileTimeMs),
  };
}
