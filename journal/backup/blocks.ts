/**
 * The bytes of a portable file: lines in blocks, each of which can be read by itself.
 *
 * Format 2 compresses each block to a frame of zstd. A skippable frame before it gives its length and its
 * SHA-256, so `zstd -dc` prints the lines and nothing else, and a changed bit is detected before anything is
 * decompressed. Format 1 is plain lines; any run of whole lines is a block.
 */
import { hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** A block is closed at the first line that exceeds this size. */
export const BLOCK_BYTES = 256 * 1024;
/** Largest block, compressed or not: an entry of the largest message of any journal, in base64. */
const BLOCK_BYTES_MAX = 256 * 1024 * 1024;
/** The first of the 16 magic numbers of a skippable frame. */
const SKIPPABLE = 0x18_4d_2a_50;
const SKIPPABLE_HEAD_BYTES = 8;
const LENGTH_BYTES = 4;
const DIGEST_BYTES = 32;
const HEAD_BYTES = SKIPPABLE_HEAD_BYTES + LENGTH_BYTES + DIGEST_BYTES;
const BRACE = 0x7b;
const LINE_FEED = 0x0a;

export interface Block {
  /** Position in the file, in bytes; `next` is that of the block after it. */
  readonly at: number;
  readonly next: number;
  /** Without their line feeds. */
  readonly lines: readonly string[];
}

/** What is wrong with the bytes at a position. The reader of the lines makes an error of it. */
export class DamagedBlock extends Error {
  override readonly name = 'DamagedBlock';
}

/** A compressed block, with its head. */
export function encodeBlock(lines: readonly string[]): Uint8Array {
  const frame = zstdCompressSync(lines.join(''), {
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(SKIPPABLE, 0);
  head.writeUInt32LE(LENGTH_BYTES + DIGEST_BYTES, 4);
  head.writeUInt32LE(frame.byteLength, SKIPPABLE_HEAD_BYTES);
  hash('sha256', frame, 'buffer').copy(head, SKIPPABLE_HEAD_BYTES + LENGTH_BYTES);
  return Buffer.concat([head, frame]);
}

/** Whether a file that begins with these bytes can be a portable file, of any format. */
export function isPortable(head: Buffer): boolean {
  return head[0] === BRACE || (head.byteLength >= LENGTH_BYTES && head.readUInt32LE(0) === SKIPPABLE);
}

export interface Blocks {
  readonly isCompressed: boolean;
  /**
   * The block at a position where one begins; null at the end of the file. Rejects with DamagedBlock if
   * there is none, or if it is not what was written.
   */
  read(at: number): Promise<Block | null>;
}

export async function blocksOf(file: FileHandle): Promise<Blocks> {
  const isCompressed = (await bytesAt(file, 0, 1))[0] !== BRACE;
  return { isCompressed, read: (at) => (isCompressed ? compressedBlock(file, at) : plainBlock(file, at)) };
}

async function compressedBlock(file: FileHandle, at: number): Promise<Block | null> {
  const head = await bytesAt(file, at, HEAD_BYTES);
  if (head.byteLength === 0) return null;
  if (head.byteLength < HEAD_BYTES) throw new DamagedBlock('is cut');
  const length = head.readUInt32LE(SKIPPABLE_HEAD_BYTES);
  const isHead = head.readUInt32LE(0) === SKIPPABLE && head.readUInt32LE(4) === LENGTH_BYTES + DIGEST_BYTES;
  if (!isHead || length > BLOCK_BYTES_MAX) throw new DamagedBlock('is no block of an export');
  const frame = await bytesAt(file, at + HEAD_BYTES, length);
  if (frame.byteLength < length) throw new DamagedBlock('is cut');
  if (!hash('sha256', frame, 'buffer').equals(head.subarray(SKIPPABLE_HEAD_BYTES + LENGTH_BYTES)))
    throw new DamagedBlock('is not what was written');
  const lines = decompressed(frame).toString().split('\n');
  if (lines.pop() !== '') throw new DamagedBlock('ends within a line');
  return { at, next: at + HEAD_BYTES + length, lines };
}

function decompressed(frame: Buffer): Buffer {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: BLOCK_BYTES_MAX });
  } catch (cause) {
    throw new DamagedBlock('cannot be decompressed', { cause });
  }
}

/** As many whole lines as are within the size of a block; one, if it is longer. */
async function plainBlock(file: FileHandle, at: number): Promise<Block | null> {
  for (let size = BLOCK_BYTES; size <= BLOCK_BYTES_MAX; size *= 2) {
    const bytes = await bytesAt(file, at, size);
    if (bytes.byteLength === 0) return null;
    const isEnd = bytes.byteLength < size;
    // Whether the last line is whole is for the hash of the line after it to say, or for the count.
    const end = isEnd ? bytes.byteLength : bytes.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) continue;
    const lines = bytes.toString('utf8', 0, end).split('\n');
    if (lines.at(-1) === '') lines.pop();
    return { at, next: at + end, lines };
  }
  throw new DamagedBlock('has no end');
}

/** Fewer bytes only at the end of the file. */
async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
