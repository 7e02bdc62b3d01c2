/** Reads objects back, in bounded memory. */
import { Crc64 } from '../../../kernels/crc64.ts';
import { contentDiffers, fileMissing } from '../failure.ts';
import { CHUNK_BYTES } from '../storedContent.ts';
import { isRefusal, unavailable, Unanswered } from './errors.ts';
import type { SideObject } from './handle.ts';
import type { Content, ObjectFacts, Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';

/** A body that breaks off is asked for again from there, so often without a byte in between. */
const BREAKS_MAX = 4;

/**
 * The bytes [from, to) of an object that was looked at, in chunks of at most CHUNK_BYTES. Refused with
 * NoSuchKey or PreconditionFailed if it is another one, or gone.
 */
export async function* chunksOf(
  objects: Objects,
  key: string,
  facts: ObjectFacts,
  { from = 0, to = Infinity }: { readonly from?: number; readonly to?: number } = {},
): AsyncGenerator<Uint8Array> {
  const end = Math.min(to, facts.length);
  let position = from;
  for (let breaks = 0; position < end;) {
    const before = position;
    const { stream } = await objects.stream(key, { from: position, to: end, etag: facts.etag });
    try {
      for await (const data of stream as AsyncIterable<Buffer>) {
        for (let at = 0; at < data.length; at += CHUNK_BYTES) {
          const chunk = data.subarray(at, at + CHUNK_BYTES);
          position += chunk.length;
          yield chunk;
        }
      }
      if (position < end) throw new Error(`the answer ended at ${position} of ${end} bytes`);
    } catch (cause) {
      breaks = position > before ? 1 : breaks + 1;
      if (breaks > BREAKS_MAX) throw new Unanswered(cause, true);
    } finally {
      stream.destroy();
    }
  }
}

/**
 * The bytes of a side object, which are few. STORE_FILE_MISSING or STORE_CONTENT_DIFFERS if they are not there.
 */
export async function sideObjectBytes(
  objects: Objects,
  keys: ObjectKeys,
  { uri, length, crc64 }: SideObject,
): Promise<Buffer> {
  const key = keys.temporaryKeyOf(uri);
  const chunks: Buffer[] = [];
  const crc = new Crc64();
  try {
    const facts = await objects.head(key);
    if (facts === null) throw gone(uri, length);
    if (facts.length !== length) throw changed(uri, `holds ${facts.length} bytes, ${length} were journaled`);
    for await (const chunk of chunksOf(objects, key, facts)) {
      crc.update(chunk);
      chunks.push(Buffer.from(chunk));
    }
  } catch (cause) {
    if (isRefusal(cause, 'NoSuchKey')) throw gone(uri, length, cause);
    throw unavailable('read back', uri, cause);
  }
  if (crc.hex() !== crc64) throw changed(uri, `holds CRC-64 ${crc.hex()}, ${crc64} was journaled`);
  return Buffer.concat(chunks);
}

export function contentOf(bytes: Uint8Array): Content {
  return {
    pieces: bytes.length === 0 ? [] : [bytes],
    length: bytes.length,
    crc64: new Crc64().update(bytes).hex(),
  };
}

function gone(uri: string, length: number, cause?: unknown) {
  const message =
    `${uri} is gone, though ${length} bytes of it were journaled as durable. The end of a file in progress ` +
    'was in it: put it back, then resume.';
  return fileMissing(message, [uri], cause);
}

const changed = (uri: string, how: string) =>
  contentDiffers(uri, how, 'The end of a file in progress was in it: restore it, then resume.');
