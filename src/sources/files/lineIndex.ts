/** Finds where lines begin: counts newlines from the nearest known place, and remembers places on the way. */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

const NEWLINE = 0x0a;
const SCAN_BYTES = 4 * 1024 * 1024;
/** Distance between remembered places. */
const MARK_BYTES = 8 * 1024 * 1024;

interface Mark {
  readonly line: number;
  /** Where the line begins. */
  readonly byte: number;
}

export interface Place extends Mark {
  /** Bytes after `byte` without a further newline; 0 if the wanted line was found. */
  readonly tailBytes: number;
}

/** Identifies an inode. Its number is soon reused, its birth time is not. */
export function inodeOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

const START: Mark = { line: 0, byte: 0 };

export class LineIndex {
  #file = '';
  #marks: Mark[] = [START];

  /** The place where `line` begins. If the file has fewer complete lines, the end of the last one. */
  async find(handle: FileHandle, line: number, signal?: AbortSignal): Promise<Place> {
    const stats = await handle.stat({ bigint: true });
    const { size } = stats;
    this.#belongTo(inodeOf(stats), Number(size));
    let mark = this.#marks.findLast((known) => known.line <= line) ?? START;
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(SCAN_BYTES, Number(size) - mark.byte)));
    for (let position = mark.byte; mark.line < line;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return { ...mark, tailBytes: position - mark.byte };
      mark = countTo(line, mark, buffer.subarray(0, bytesRead), position);
      position += bytesRead;
      this.remember(mark.line, mark.byte);
    }
    return { ...mark, tailBytes: 0 };
  }

  /** The number of complete lines, and the bytes after them. */
  count(handle: FileHandle): Promise<Place> {
    return this.find(handle, Number.POSITIVE_INFINITY);
  }

  remember(line: number, byte: number): void {
    const last = this.#marks.at(-1) ?? START;
    if (line <= last.line) return;
    const before = this.#marks.at(-2);
    // The last mark moves forward until it is far enough from the one before.
    if (before !== undefined && last.byte - before.byte < MARK_BYTES) this.#marks.pop();
    this.#marks.push({ line, byte });
  }

  /** Forgets all marks if the file is another inode, or shrank: its lines may begin elsewhere. */
  #belongTo(file: string, size: number): void {
    if (file !== this.#file || size < (this.#marks.at(-1) ?? START).byte) this.#marks = [START];
    this.#file = file;
  }
}

/** Moves the mark past the newlines in the bytes, which are at `position`, at most to the start of `line`. */
function countTo(line: number, from: Mark, bytes: Buffer, position: number): Mark {
  let { line: reached, byte } = from;
  for (let at = bytes.indexOf(NEWLINE); at !== -1 && reached < line; at = bytes.indexOf(NEWLINE, at + 1)) {
    reached += 1;
    byte = position + at + 1;
  }
  return { line: reached, byte };
}
