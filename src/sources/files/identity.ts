/**
 * A file's identity: a fingerprint of its beginning. Appending does not change it, replacing the file does.
 * The first id of a short file covers little. As the file grows, it gets longer ids (`tellsMore`).
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { coveredBytes, tellsMore } from '../fileId.ts';
import { readFully } from './readFully.ts';

const NEWLINE = 0x0a;
const READ_BYTES = 64 * 1024;
const FINGERPRINT_DIGITS = 16;
/** The most bytes that an id covers, unless the first line is longer. */
const COVERED_BYTES_MAX = READ_BYTES;
/** A growing file gets a longer id when that covers this many times more: a few times in the file's life. */
const WORTH_TIMES = 16;

/** Covers whole lines, at least the first. Null if the first line is incomplete. */
export async function identityOf(handle: FileHandle): Promise<string | null> {
  const found = await fingerprintUpTo(handle, (bytes, position) => {
    // After the first buffer, only the end of the first line is still wanted.
    const end = position === 0 ? bytes.lastIndexOf(NEWLINE) : bytes.indexOf(NEWLINE);
    return end === -1 ? -1 : end + 1;
  });
  return found === null ? null : `${found.bytes}:${found.fingerprint}`;
}

/** Compares the file with the id. `short`: it has fewer bytes than the id covers, and is not compared. */
export async function compareIdentity(handle: FileHandle, id: string): Promise<'same' | 'short' | 'other'> {
  const covered = coveredBytes(id);
  const found = covered === null ? await firstLineOf(handle) : await beginningOf(handle, covered);
  if (found === null) return 'short';
  return found === id ? 'same' : 'other';
}

async function beginningOf(handle: FileHandle, covered: number): Promise<string | null> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, covered));
  for (let position = 0; position < covered;) {
    const wanted = buffer.subarray(0, Math.min(buffer.length, covered - position));
    const bytesRead = await readFully(handle, wanted, position);
    if (bytesRead < wanted.length) return null;
    hash.update(wanted);
    position += bytesRead;
  }
  return `${covered}:${digits(hash)}`;
}

/** The id of versions up to 0.2.0. */
async function firstLineOf(handle: FileHandle): Promise<string | null> {
  const found = await fingerprintUpTo(handle, (bytes) => bytes.indexOf(NEWLINE));
  return found === null ? null : found.fingerprint;
}

/**
 * Fingerprints the beginning of the file, up to the end that `endIn` finds in the bytes at a position (-1: no
 * end). Null if the file ends before that.
 */
async function fingerprintUpTo(
  handle: FileHandle,
  endIn: (bytes: Buffer, position: number) => number,
): Promise<{ readonly bytes: number; readonly fingerprint: string } | null> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let position = 0; ;) {
    const bytesRead = await readFully(handle, buffer, position);
    const bytes = buffer.subarray(0, bytesRead);
    const end = endIn(bytes, position);
    if (end !== -1)
      return { bytes: position + end, fingerprint: digits(hash.update(bytes.subarray(0, end))) };
    if (bytesRead < buffer.length) return null;
    hash.update(bytes);
    position += bytesRead;
  }
}

const digits = (hash: ReturnType<typeof createHash>): string =>
  hash.digest('hex').slice(0, FINGERPRINT_DIGITS);

/** Whether a file of which `readBytes` are read should get a longer id. */
export function isWorthRenewing(id: string | null, readBytes: number): boolean {
  if (id === null) return readBytes > 0;
  const covered = coveredBytes(id) ?? 0;
  if (covered >= COVERED_BYTES_MAX / 2) return false;
  return readBytes >= Math.min(COVERED_BYTES_MAX, covered * WORTH_TIMES);
}

/** The id that covers more of the file, which was proved to have both. */
export function longerOf(known: string | null, found: string | null): string | null {
  if (known === null || found === null) return known ?? found;
  return tellsMore(found, known) ? found : known;
}
