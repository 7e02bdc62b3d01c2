/** Compares what the service keeps of an upload with what was journaled, before anything relies on it. */
import { crc64Combine } from '../../../kernels/crc64Combine.ts';
import { crc64Of } from '../../../kernels/crc64.ts';
import type { Crc64Hex } from '../../../journal/ids.ts';
import { contentDiffers, fileMissing } from '../failure.ts';
import type { DurablePart, PartTarget } from '../port.ts';
import { isRefusal, unavailable } from './errors.ts';
import { END_PART, type UploadedPart } from './handle.ts';
import type { ListedPart } from './objects.ts';
import type { Publishing } from './publish.ts';

const EMPTY = crc64Of(new Uint8Array(0));

/** The parts of an upload, by number. STORE_FILE_MISSING if there is no such upload. */
export async function listedParts(
  { objects, keys }: Pick<Publishing, 'objects' | 'keys'>,
  target: PartTarget,
  { length }: DurablePart,
  uploadId: string,
): Promise<ReadonlyMap<number, ListedPart>> {
  try {
    return await objects.parts(keys.keyOf(target.finalUri), uploadId);
  } catch (cause) {
    if (isRefusal(cause, 'NoSuchUpload')) throw uploadGone(target, length, cause);
    throw unavailable('look at the upload of', target.finalUri, cause);
  }
}

/** Whether this is the part that was journaled. Services write ETags in upper or in lower case. */
export function isPart(listed: ListedPart | undefined, { etag, length }: UploadedPart): boolean {
  return listed?.length === length && listed.etag.toUpperCase() === etag.toUpperCase();
}

/**
 * STORE_FILE_MISSING or STORE_CONTENT_DIFFERS if a part that was journaled is gone, or is another one. The
 * part of an earlier settler (END_PART) is not judged: it can be uploaded again.
 */
export function expectParts(
  { temporaryUri, finalUri }: PartTarget,
  parts: readonly UploadedPart[],
  found: ReadonlyMap<number, ListedPart>,
): void {
  for (const part of parts) {
    const listed = found.get(part.number);
    if (part.number === END_PART || isPart(listed, part)) continue;
    const name = `upload part ${part.number} of ${finalUri}`;
    if (listed === undefined)
      throw fileMissing(
        `The service no longer has ${name} (${temporaryUri}), though ${part.length} bytes of it were ` +
          'journaled as durable. Put the whole file under its final name, then resume.',
        [temporaryUri, finalUri],
      );
    throw contentDiffers(
      temporaryUri,
      `has another ${name}: ${listed.length} bytes with ETag ${listed.etag}, ` +
        `${part.length} bytes with ETag ${part.etag} were journaled`,
      `It is not published as ${finalUri}.`,
      [finalUri],
    );
  }
}

/** The checksum of the parts put together. Null if the service does not say that of each. */
export function crcOfParts(
  parts: readonly UploadedPart[],
  found: ReadonlyMap<number, ListedPart>,
): Crc64Hex | null {
  let crc: Crc64Hex = EMPTY;
  for (const { number, length } of parts) {
    const own = found.get(number)?.crc64 ?? null;
    if (own === null) return null;
    crc = crc64Combine(crc, own, length);
  }
  return crc;
}

/** STORE_CONTENT_DIFFERS if the bytes of the upload are not those of the journal. */
export function expectCrc(
  { temporaryUri, finalUri }: PartTarget,
  found: Crc64Hex | null,
  expected: Crc64Hex,
): void {
  if (found === null || found === expected) return;
  const advice = `It is not published as ${finalUri}: find out who changed it.`;
  const difference = `holds other bytes than were journaled: CRC-64 ${found} instead of ${expected}`;
  throw contentDiffers(temporaryUri, difference, advice, [finalUri]);
}

export function uploadGone({ temporaryUri, finalUri }: PartTarget, length: number, cause: unknown) {
  const message =
    `The multipart upload of ${finalUri} (${temporaryUri}) is gone, though ${length} bytes of it were ` +
    'journaled as durable. Somebody completed or aborted it, or a lifecycle rule of the bucket did ' +
    '(docs/oss.md). Put the file under its final name, then resume.';
  return fileMissing(message, [temporaryUri, finalUri], cause);
}
