/**
 * An order-independent digest of lines. Equal digests mean, except by chance, the same lines with the same
 * frequency. Shows whether two sinks wrote the same records, in any files and any order.
 */
import { closeSync, createReadStream, openSync, readdirSync, readSync } from 'node:fs';
import path from 'node:path';
import { decompress } from '../../src/formats/compression/codecs.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 10;
const SEED_A = 0x811c9dc5 | 0;
const SEED_B = 0x2545f491 | 0;
const PRIME_A = 0x01000193;
const PRIME_B = 0x5bd1e995;

/** FNV-1a of each line, and the same with another prime, each summed over all lines modulo 2^32. */
export class LineDigest {
  lines = 0;
  bytes = 0;
  #sumA = 0;
  #sumB = 0;
  #hashA = SEED_A;
  #hashB = SEED_B;
  #isInLine = false;

  /** Bytes of one file, in order. Lines may cross chunks. */
  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    let a = this.#hashA;
    let b = this.#hashB;
    let lastEnd = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte !== LINE_FEED) {
        a = Math.imul(a ^ byte, PRIME_A);
        b = Math.imul(b ^ byte, PRIME_B);
        continue;
      }
      this.#sumA = (this.#sumA + mixed(a)) | 0;
      this.#sumB = (this.#sumB + mixed(b)) | 0;
      this.lines += 1;
      a = SEED_A;
      b = SEED_B;
      lastEnd = at + 1;
    }
    this.#hashA = a;
    this.#hashB = b;
    this.#isInLine = lastEnd < chunk.length;
    this.bytes += chunk.length;
  }

  /** Throws if a file ends inside a line: no sink may leave one like that. */
  endFile(file: string): void {
    if (this.#isInLine) throw new Error(`${file} ends inside a line`);
  }

  toString(): string {
    const hex = (sum: number): string => (sum >>> 0).toString(16).padStart(8, '0');
    return `${this.lines} lines ${hex(this.#sumA)}${hex(this.#sumB)}`;
  }
}

/** MurmurHash3's finalizer: sums of the raw hashes would hide differences of few bits. */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export interface FolderSize {
  readonly bytes: number;
  readonly files: number;
}

export interface FolderDigest extends FolderSize {
  readonly digest: string;
  readonly records: number;
}

/** Counts and digest of all files below a folder. A file that was left in progress shows as missing lines. */
export function digestFolder(folder: string): FolderDigest {
  const digest = new LineDigest();
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const files = dataFiles(folder);
  for (const file of files) {
    const descriptor = openSync(file, 'r');
    try {
      for (let read: number; (read = readSync(descriptor, chunk)) > 0;) digest.add(chunk.subarray(0, read));
      digest.endFile(file);
    } finally {
      closeSync(descriptor);
    }
  }
  return { digest: String(digest), records: digest.lines, bytes: digest.bytes, files: files.length };
}

/** The same of compressed files. `bytes` are those of the lines. Rejects if a file is not whole frames. */
export async function digestCompressed(folder: string, codec: string): Promise<FolderDigest> {
  const digest = new LineDigest();
  const files = dataFiles(folder);
  for (const file of files) {
    const chunks = createReadStream(file, { highWaterMark: CHUNK_BYTES });
    for await (const bytes of decompress(codec, chunks)) digest.add(bytes);
    digest.endFile(file);
  }
  return { digest: String(digest), records: digest.lines, bytes: digest.bytes, files: files.length };
}

/** All files below a folder, except hidden ones: they are not data, as in Spark and Hive. */
export function dataFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !isHidden(path.relative(folder, file)));
}

/** Whether a path has a hidden name in it. */
export const isHidden = (file: string): boolean => file.split(path.sep).some((name) => /^[._]/.test(name));
