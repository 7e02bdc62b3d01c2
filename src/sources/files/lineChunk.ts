/** Reads whole lines, one chunk at a time. */
import type { FileHandle } from 'node:fs/promises';
import { readFully } from './readFully.ts';

const NEWLINE = 0x0a;

export interface ReadLimits {
  /** Bytes read at once; more if a line does not fit. */
  readonly chunkBytes: number;
  /** The most bytes that a line may have. */
  readonly lineBytesMax: number;
}

/** Lines of one buffer: line i is [i === 0 ? start : ends[i - 1] + 1, ends[i]); its newline is at ends[i]. */
export interface Lines {
  readonly buffer: Buffer;
  readonly start: number;
  readonly ends: Uint32Array;
  readonly count: number;
}

export type LineChunk =
  | { readonly type: 'lines'; readonly lines: Lines; readonly nextByte: number; readonly mtimeMs: number }
  /** The last line of the file, without a newline; there is nothing else to read. */
  | { readonly type: 'tail'; readonly lines: Lines; readonly nextByte: number; readonly mtimeMs: number }
  | { readonly type: 'end' }
  | { readonly type: 'shrunk'; readonly sizeBytes: number }
  /** No line begins at the given byte any more. */
  | { readonly type: 'torn' }
  | { readonly type: 'tooLong' };

/** Reads the lines that begin at `byte`, which must be the start of a line. */
export async function readLines(handle: FileHandle, byte: number, limits: ReadLimits): Promise<LineChunk> {
  // Before the read, so that no line is newer than mtimeMs.
  const { size, mtimeMs } = await handle.stat();
  if (size < byte) return { type: 'shrunk', sizeBytes: size };
  if (size === byte) return { type: 'end' };
  // The preceding newline is read too: it proves that the lines before were not rewritten.
  const before = byte === 0 ? 0 : 1;
  for (let wanted = limits.chunkBytes; ; wanted = Math.min(wanted * 2, limits.lineBytesMax + 1)) {
    const buffer = Buffer.allocUnsafe(before + Math.min(wanted, size - byte));
    const filled = await readFully(handle, buffer, byte - before);
    if (filled <= before) return { type: 'end' };
    if (before === 1 && buffer[0] !== NEWLINE) return { type: 'torn' };
    const last = buffer.subarray(0, filled).lastIndexOf(NEWLINE);
    if (last >= before) {
      return {
        type: 'lines',
        lines: scan(buffer, before, last + 1),
        nextByte: byte - before + last + 1,
        mtimeMs,
      };
    }
    const length = filled - before;
    if (length > limits.lineBytesMax) return { type: 'tooLong' };
    if (byte + length >= size) {
      const lines = { buffer, start: before, ends: Uint32Array.of(filled), count: 1 };
      return { type: 'tail', lines, nextByte: byte + length, mtimeMs };
    }
  }
}

/** Finds every newline in [start, end). The range ends with one. */
function scan(buffer: Buffer, start: number, end: number): Lines {
  let ends = new Uint32Array(1024);
  let count = 0;
  for (let at = buffer.indexOf(NEWLINE, start); at !== -1 && at < end; at = buffer.indexOf(NEWLINE, at + 1)) {
    if (count === ends.length) {
      const larger = new Uint32Array(ends.length * 2);
      larger.set(ends);
      ends = larger;
    }
    ends[count] = at;
    count += 1;
  }
  return { buffer, start, ends, count };
}
