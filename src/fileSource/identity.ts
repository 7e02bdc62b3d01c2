/** A file's identity: a fingerprint of its first line, which appending leaves as it is and replacing changes. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const NEWLINE = 0x0a;
const READ_BYTES = 64 * 1024;
const FINGERPRINT_DIGITS = 16;

/** The first 16 hex digits of the SHA-256 of the first line's bytes; null where there is no complete first line. */
export async function fingerprintOf(handle: FileHandle): Promise<string | null> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return null;
    const end = buffer.subarray(0, bytesRead).indexOf(NEWLINE);
    if (end !== -1) {
      return hash.update(buffer.subarray(0, end)).digest('hex').slice(0, FINGERPRINT_DIGITS);
    }
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
