/** Looks whether all of a file that is not published is there: its upload parts, and the object beside it. */
import { crc64Combine } from '../../../kernels/crc64Combine.ts';
import type { Crc64Hex } from '../../../journal/ids.ts';
import { isStoreFailure } from '../failure.ts';
import type { DurablePart, PartTarget } from '../port.ts';
import type { ContentVerdict } from '../reading.ts';
import { sideObjectBytes } from './content.ts';
import { END_PART, handleOf, type SideObject, type UploadHandle } from './handle.ts';
import type { ListedPart } from './objects.ts';
import type { Publishing } from './publish.ts';
import { crcOfParts, expectCrc, expectParts, isPart, listedParts } from './verify.ts';

type Places = Pick<Publishing, 'objects' | 'keys'>;

/**
 * `missing` only if the upload itself is gone: then it may have been completed. Where a part of it or the
 * object beside it is gone, nobody can have completed it as journaled.
 */
export async function verifyUnpublished(
  places: Places,
  target: PartTarget,
  durable: DurablePart,
): Promise<ContentVerdict> {
  if (durable.length === 0) return { type: 'same' };
  const handle = handleOf(target, durable);
  let found: ReadonlyMap<number, ListedPart>;
  try {
    found = await listedParts(places, target, durable, handle.uploadId);
  } catch (error) {
    if (isStoreFailure(error, 'missing')) return { type: 'missing' };
    throw error;
  }
  try {
    expectParts(target, handle.parts, found);
    expectCrc(target, await crcOfAll(places, handle, found), durable.crc64);
    return { type: 'same' };
  } catch (error) {
    if (isStoreFailure(error, 'missing', 'contentDiffers'))
      return { type: 'differs', length: durable.length, crc64: null };
    throw error;
  }
}

/** Null if the service does not say the checksum of each part. Fails if the object beside it is damaged. */
async function crcOfAll(
  places: Places,
  { parts, tail, end }: UploadHandle,
  found: ReadonlyMap<number, ListedPart>,
): Promise<Crc64Hex | null> {
  const last = parts.at(-1);
  const isOther = last?.number === END_PART && !isPart(found.get(END_PART), last);
  // Another settler's last part: the publication uploads what is kept beside the file again.
  const beside: SideObject | null = isOther ? (end ?? null) : tail;
  if (beside !== null) await sideObjectBytes(places.objects, places.keys, beside);
  const crc = crcOfParts(isOther ? parts.slice(0, -1) : parts, found);
  return crc === null || beside === null ? crc : crc64Combine(crc, beside.crc64, beside.length);
}
