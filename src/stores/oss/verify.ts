/** Compares what the service keeps of an upload with what was journaled, before anything relies on it. */
import { crc64Combine } from '../../../kernels/crc64Combine.ts';
import { crc64Of } from '../../../kernels/crc64.ts';
import type { Crc64Hex } from '../../../journal/ids.ts';
import { contentDiffers, fileMissing } from '../failure.ts';
import type { PartTarget } from '../port.ts';
import { END_PART, type UploadedPart } from './handle.ts';
import type { ListedPart } from './objects.ts';

const EMPTY = crc64Of(new Uint8Array(0));

/** Whether this is the part that was journaled. Services write ETags in upper or in lower case. */
export function isPart(listed: ListedPart | undefined, { etag, length }: UploadedPart): boolean {
  return listed?.length === length && listed.etag.toUpperCase() === etag.toUpperCase();
}

/**
 * STORE_FILE_MISSING or STORE_CONTENT_DIFFERS if a part that was journaled is gone, or is another one. The part
 * of an earlier settler (END_PART) is not judged: it can be uploaded again.
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
        `The service no longer has ${name} (${temporaryUri}), though ${part.length} bytes of it were journaled as durable. ` +
          'Restore the file from another copy of its records, then resume.',
        [temporaryUri, finalUri],
      );
    throw contentDiffers(
      temporaryUri,
      `has another ${name}: ${listed.length} bytes with ETag ${listed.etag}, ${part.length} bytes with ETag ` +
        `${part.etag} were journaled`,
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
    `The multipart upload of ${finalUri} (${temporaryUri}) is gone, though ${length} bytes of it were journaled as durable, and ` +
    'there is no object with that name. Somebody aborted it, or a lifecycle rule of the bucket did. Read its ' +
    'records again (tidemark repair), or accept the loss.';
  return fileMissing(message, [temporaryUri, finalUri], cause);
}
