/**
 * Publishing: the completion of an upload creates the object whole, and is told never to overwrite one. It
 * goes on in the service when its client is gone, and ends the upload id: afterwards only the object itself
 * shows whether it was completed, by its length and its checksum.
 */
import type { Crc64Hex } from '../../../journal/ids.ts';
import type { TidemarkError } from '../../../journal/errors.ts';
import type { Pacer } from '../../../journal/port.ts';
import { contentDiffers, fileMissing } from '../failure.ts';
import type { DurablePart, PartTarget } from '../port.ts';
import type { Besides } from './besides.ts';
import { sideObjectBytes } from './content.ts';
import { isRefusal, Refusal, refusedOrUnknown, Unanswered, unavailable } from './errors.ts';
import { uploadEnd } from './finish.ts';
import { END_PART, handleOf, type UploadedPart, type UploadHandle } from './handle.ts';
import type { ObjectFacts, Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';
import { crcOfParts, expectCrc, expectParts, isPart } from './verify.ts';

/** A completion may go on: a file is reported missing only after so many looks, within half a minute. */
const MISSING_LOOKS = 11;
const PAUSE_MS = 200;
const PAUSE_MS_MAX = 5_000;
const RACES_MAX = 30;

export interface Publishing {
  readonly objects: Objects;
  readonly keys: ObjectKeys;
  readonly besides: Besides;
  readonly pacer: Pacer;
}

/** Publishes a file that this process closed: the service has confirmed the checksum of each part to it. */
export async function commit(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
): Promise<void> {
  const handle = handleOf(target, durable);
  if (durable.length > 0) {
    const outcome = await complete(publishing, target, handle);
    if (outcome.type === 'refused') throw unavailable('publish', target.finalUri, outcome.cause);
    if (outcome.type !== 'completed' || outcome.crc64 !== durable.crc64)
      return ensurePublished(publishing, target, durable);
    await removing(target, () => publishing.besides.removeKnown(target.temporaryUri));
    return;
  }
  await withdraw(publishing, target, handle);
}

/** Publishes a file of an earlier owner, unless somebody has already done so. */
export async function ensurePublished(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
): Promise<void> {
  const handle = handleOf(target, durable);
  if (durable.length > 0) await patiently(publishing, target, durable, handle);
  await withdraw(publishing, target, handle);
}

type Attempt = 'done' | 'raced' | 'missing';

async function patiently(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
  handle: UploadHandle,
): Promise<void> {
  let missing = 0;
  for (let tries = 1; tries <= RACES_MAX; tries += 1) {
    const outcome = await attempt(publishing, target, durable, handle);
    if (outcome === 'done') return;
    missing = outcome === 'missing' ? missing + 1 : 0;
    if (missing === MISSING_LOOKS) throw lost(target, durable);
    await publishing.pacer.pause(Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (tries - 1)));
  }
  const cause = new Error('its upload kept changing while it was completed');
  throw unavailable('publish', target.finalUri, cause);
}

/** Looks at the upload before the object: a completion ends the one after it has made the other. */
async function attempt(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
  handle: UploadHandle,
): Promise<Attempt> {
  const parts = await verifyUpload(publishing, target, durable, handle);
  const standing = await look(publishing, target);
  if (standing !== null) {
    const difference = differenceOf(standing, durable);
    if (difference !== null) throw foreign(target, difference);
    return 'done';
  }
  if (parts === null) return 'missing';
  const outcome = await complete(publishing, target, { uploadId: handle.uploadId, parts });
  if (outcome.type === 'refused') throw unavailable('publish', target.finalUri, outcome.cause);
  if (outcome.type === 'completed' && outcome.crc64 === durable.crc64) return 'done';
  // Whatever the answer was: the next look shows the object, or that it is missing.
  return 'raced';
}

/**
 * The parts to complete; null if there is no such upload any more. A last part that an earlier settler
 * overwrote late is uploaded again: the service need not give the same bytes the same ETag.
 */
async function verifyUpload(
  publishing: Publishing,
  target: PartTarget,
  durable: DurablePart,
  { uploadId, parts, end }: UploadHandle,
): Promise<readonly UploadedPart[] | null> {
  const { objects, keys } = publishing;
  let found;
  try {
    found = await objects.parts(keys.keyOf(target.finalUri), uploadId);
  } catch (cause) {
    if (isRefusal(cause, 'NoSuchUpload')) return null;
    throw unavailable('look at the upload of', target.finalUri, cause);
  }
  expectParts(target, parts, found);
  const last = parts.at(-1);
  if (last?.number !== END_PART || isPart(found.get(END_PART), last)) {
    expectCrc(target, crcOfParts(parts, found), durable.crc64);
    return parts;
  }
  if (end === undefined) throw overwritten(target);
  const rest = await sideObjectBytes(objects, keys, end);
  const etag = await uploadEnd(publishing, target, uploadId, rest);
  return [...parts.slice(0, -1), { ...last, etag }];
}

type Completion =
  | { readonly type: 'completed'; readonly crc64: Crc64Hex | null }
  /** The object, or another look at the upload, shows what happened. */
  | { readonly type: 'unclear' }
  | { readonly type: 'refused'; readonly cause: unknown };

async function complete(
  { objects, keys }: Publishing,
  { finalUri }: PartTarget,
  { uploadId, parts }: { readonly uploadId: string; readonly parts: readonly UploadedPart[] },
): Promise<Completion> {
  try {
    const crc64 = await objects.complete(keys.keyOf(finalUri), uploadId, parts);
    return { type: 'completed', crc64 };
  } catch (cause) {
    if (isRefusal(cause, 'NoSuchUpload', 'FileAlreadyExists', 'InvalidPart', 'InvalidPartOrder'))
      return { type: 'unclear' };
    const isUnclear = cause instanceof Unanswered || (cause instanceof Refusal && cause.isTemporary);
    return isUnclear ? { type: 'unclear' } : { type: 'refused', cause };
  }
}

async function look({ objects, keys }: Publishing, { finalUri }: PartTarget): Promise<ObjectFacts | null> {
  try {
    return await objects.head(keys.keyOf(finalUri));
  } catch (cause) {
    throw unavailable('look at', finalUri, cause);
  }
}

/** How an object differs from what was journaled, in words; null if it does not. */
function differenceOf(facts: ObjectFacts, { length, crc64 }: Omit<DurablePart, 'handle'>): string | null {
  if (facts.length !== length) return `holds ${facts.length} bytes, ${length} were journaled`;
  if (facts.crc64 === crc64) return null;
  return `holds ${length} bytes with CRC-64 ${facts.crc64 ?? 'unknown'}, ${crc64} was journaled`;
}

/** Removes an upload that is not needed any more, and everything beside the file. */
async function withdraw(
  publishing: Publishing,
  target: PartTarget,
  { uploadId }: UploadHandle,
): Promise<void> {
  const { objects, keys, besides } = publishing;
  await removing(target, async () => {
    await objects.abort(keys.keyOf(target.finalUri), uploadId);
    await besides.removeAll(target.temporaryUri);
  });
}

async function removing({ temporaryUri }: PartTarget, how: () => Promise<void>): Promise<void> {
  try {
    await how();
  } catch (cause) {
    throw refusedOrUnknown('remove what is beside', temporaryUri, cause);
  }
}

function foreign({ finalUri, temporaryUri }: PartTarget, how: string): TidemarkError {
  const advice =
    `Another file is where ${temporaryUri} is to be published, and is left alone. ` +
    'Compare the two, move the foreign one away, then resume.';
  return contentDiffers(finalUri, how, advice, [temporaryUri]);
}

function overwritten({ temporaryUri, finalUri }: PartTarget): TidemarkError {
  const difference = `has another last part than was journaled, and nothing keeps that one`;
  return contentDiffers(temporaryUri, difference, `It is not published as ${finalUri}.`, [finalUri]);
}

function lost({ temporaryUri, finalUri }: PartTarget, { length }: DurablePart): TidemarkError {
  const message =
    `Neither the upload of ${finalUri} (${temporaryUri}) nor the object is there, though ${length} ` +
    'bytes were journaled as durable. Put the file back under its final name, then resume.';
  return fileMissing(message, [temporaryUri, finalUri]);
}
