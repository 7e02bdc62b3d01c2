/** What the stores' ways of reading a destination back have in common. */
import type { TidemarkError } from '../../journal/errors.ts';
import { Crc64 } from '../../kernels/crc64.ts';
import { contentDiffers, fileMissing, isStoreFailure, StoreFailure } from './failure.ts';
import type { ContentVerdict, StoredFile, StoreReading, VerifyOptions } from './reading.ts';

/** Takes about a millisecond to checksum. */
export const CHUNK_BYTES = 1024 * 1024;

/** Folder of markers and witnesses. */
export const BOOKKEEPING = '.tidemark';
const TEMPORARY = '.tidemark-';

/** The kind of a file with this name. Null for a file that is neither Tidemark's nor for readers. */
export function kindOf(name: string): StoredFile['kind'] | null {
  if (name.startsWith(TEMPORARY)) return 'temporary';
  return name.startsWith('.') ? null : 'visible';
}

/** A file that was found: its length then, and its first bytes, as long as it has any. */
export interface FoundFile {
  readonly length: number;
  chunks(length: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

type Expected = Parameters<StoreReading['verify']>[1];

export async function verdictOf(
  file: FoundFile,
  { length, crc64 }: Expected,
  { prefix = false, signal, onBytes }: VerifyOptions,
): Promise<ContentVerdict> {
  signal?.throwIfAborted();
  const isLong = prefix ? file.length >= length : file.length === length;
  if (!isLong) return { type: 'differs', length: file.length, crc64: null };
  const crc = new Crc64();
  let position = 0;
  for await (const chunk of file.chunks(length)) {
    crc.update(chunk);
    position += chunk.length;
    onBytes?.(chunk.length);
    signal?.throwIfAborted();
  }
  // It was shortened meanwhile.
  if (position < length) return { type: 'differs', length: position, crc64: null };
  const found = crc.hex();
  return found === crc64 ? { type: 'same' } : { type: 'differs', length: file.length, crc64: found };
}

/** The length and the CRC of a file that ends with these further bytes. */
export function withTail({ length, crc64 }: Expected, tail: Uint8Array): Expected {
  const crc = Crc64.from(crc64);
  crc.update(tail);
  return { length: length + tail.length, crc64: crc.hex() };
}

/** Takes the first bytes of a scratch file. STORE_CONTENT_DIFFERS if they are others. */
export async function takeScratch(
  uri: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { length, crc64 }: Expected,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const crc = new Crc64();
  let filled = 0;
  for await (const chunk of chunks) {
    const piece = chunk.subarray(0, length - filled);
    crc.update(piece);
    filled += piece.length;
    take(piece);
  }
  const found = crc.hex();
  if (filled === length && found === crc64) return;
  const difference =
    filled < length
      ? `holds ${filled} bytes, ${length} were journaled as durable`
      : `holds other bytes than were journaled as durable: CRC-64 ${found} instead of ${crc64}`;
  throw contentDiffers(uri, difference, 'Rows of a file in progress are in it: restore it, then resume.');
}

export function scratchMissing(uri: string, { length }: Expected, cause?: unknown): TidemarkError {
  const message =
    `${uri} is gone, though ${length} bytes of it were journaled as durable. Rows of a file in ` +
    'progress are in it: put it back, then resume.';
  return fileMissing(message, [uri], cause);
}

export function nothingToRead(uri: string): TidemarkError {
  return fileMissing(`${uri} cannot be read: there is no such file.`, [uri]);
}

/** A file whose writer has it open, and which the service does not let anybody else read meanwhile. */
export function beingWritten(uri: string, cause: unknown): TidemarkError {
  const message = `${uri} cannot be read now: its writer has it open.`;
  return new StoreFailure('beingWritten', message, { affected: { files: [uri] }, cause });
}

export function isBeingWritten(error: unknown): boolean {
  return isStoreFailure(error, 'beingWritten');
}
