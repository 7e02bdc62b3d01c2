/** Reading whole lines, a chunk at a time. */
import type { FileHandle } from 'node:fs/promises';
import { readFully } from './readFully.ts';

const NEWLINE = 0x0a;

export interface ReadLimits {
  /** What is read at once, as long as a line fits. */
  readonly chunkBytes: number;
  /** The longest line. */
  readonly lineBytesMax: number;
}

/** Lines of one buffer: line i is [i === 0 ? start : ends[i - 1] + 1, ends[i]); the newline itself stands at ends[i]. */
export interface Lines {
  readonly buffer: Buffer;
  readonly start: number;
  readonly ends: Uint32Array;
  readonly count: number;
}

export type LineChunk =
  | { readonly type: 'lines'; readonly lines: Lines; readonly nextByte: number; readonly mtimeMs: number }
  /** All there is before the end of the file: a line without its newline. */
  | { readonly type: 'tail'; readonly lines: Lines; readonly nextByte: number; readonly mtimeMs: number }
  | { readonly type: 'end' }
  | { readonly type: 'shrunk'; readonly sizeBytes: number }
  /** No line begins where one did. */
  | { readonly type: 'torn' }
  | { readonly type: 'tooLong' };

/** The lines that begin at `byte`, which is the start of one. */
export async function readLines(handle: FileHandle, byte: number, limits: ReadLimits): Promise<LineChunk> {
  // Before the read: no line that is read was written later.
  const { size, mtimeMs } = await handle.stat();
  if (size < byte) return { type: 'shrunk', sizeBytes: size };
  if (size === byte) return { type: 'end' };
  // The newline before is read too: proof that nobody rewrote the file below what was read.
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

/** Finds every newline in [start, end), which ends with one. */
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
