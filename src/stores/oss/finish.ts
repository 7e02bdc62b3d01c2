/**
 * Takes over a file in progress: its upload is completed later, at exactly the length in the last completed
 * checkpoint. What that checkpoint had beside the upload, and what the format ends the file with, becomes a
 * last part, whose number no writer uses.
 */
import { createHash } from 'node:crypto';
import { crc64Combine } from '../../../kernels/crc64Combine.ts';
import type { DurablePart, PartTarget } from '../port.ts';
import { withTail } from '../storedContent.ts';
import { contentOf, sideObjectBytes } from './content.ts';
import { isRefusal, outcomeUnknown } from './errors.ts';
import { END_PART, handleOf, type SideObject, type UploadHandle } from './handle.ts';
import type { Publishing } from './publish.ts';
import { crcOfParts, expectCrc, expectParts, listedParts, uploadGone } from './verify.ts';

export async function finish(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
  end: Uint8Array,
): Promise<DurablePart> {
  const { objects, keys } = publishing;
  const handle = handleOf(target, durable);
  const { uploadId, parts, tail } = handle;
  const found = await listedParts(publishing, target, durable, uploadId);
  expectParts(target, parts, found);
  const tailBytes = tail === null ? Buffer.alloc(0) : await sideObjectBytes(objects, keys, tail);
  const uploaded = crcOfParts(parts, found);
  const whole =
    uploaded === null || tail === null ? uploaded : crc64Combine(uploaded, tail.crc64, tail.length);
  expectCrc(target, whole, durable.crc64);
  const rest = Buffer.concat([tailBytes, end]);
  if (rest.length === 0) return durable;
  const kept = end.length === 0 && tail !== null ? tail : await keep(publishing, target, rest);
  const etag = await uploadEnd(publishing, target, uploadId, rest);
  const finished: UploadHandle = {
    ...{ uploadId, key: keys.keyOf(target.finalUri) },
    parts: [...parts, { number: END_PART, etag, length: rest.length }],
    ...{ tail: null, end: kept },
  };
  return { ...withTail(durable, end), handle: finished };
}

/**
 * Keeps the last part beside the file until that is published: another settler may overwrite the part. Its
 * content is in its name, so no settler puts other bytes there.
 */
async function keep(
  { besides }: Publishing,
  { temporaryUri }: PartTarget,
  rest: Buffer,
): Promise<SideObject> {
  const hash = createHash('sha256').update(rest).digest('hex').slice(0, 32);
  const uri = `${temporaryUri}${END_MARK}${hash}`;
  const content = contentOf(rest);
  try {
    await besides.put(temporaryUri, uri, content);
  } catch (cause) {
    throw outcomeUnknown('keep the end of', uri, cause);
  }
  return { uri, length: content.length, crc64: content.crc64 };
}

/** In the names of what settlers put beside a file. */
export const END_MARK = '.end-';

/** The part's ETag. */
export async function uploadEnd(
  { objects, keys }: Publishing,
  target: PartTarget,
  uploadId: string,
  rest: Buffer,
): Promise<string> {
  const key = keys.keyOf(target.finalUri);
  try {
    return await objects.uploadPart(key, uploadId, END_PART, contentOf(rest));
  } catch (cause) {
    if (isRefusal(cause, 'NoSuchUpload')) throw uploadGone(target, rest.length, cause);
    throw outcomeUnknown('upload the end of', target.finalUri, cause);
  }
}
