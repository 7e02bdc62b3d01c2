/** Reads the destination back. Whole objects are compared by the checksums that the service keeps of them. */
import { TidemarkError } from '../../../journal/errors.ts';
import { storedFiles } from '../listing.ts';
import { WHOLE, type StoreReading } from '../reading.ts';
import { nothingToRead, verdictOf } from '../storedContent.ts';
import { chunksOf } from './content.ts';
import { isRefusal, unavailable } from './errors.ts';
import { filesBelow } from './listing.ts';
import type { ObjectFacts, Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';

export function ossReading(objects: Objects, keys: ObjectKeys): StoreReading {
  const look = async (uri: string): Promise<ObjectFacts | null> => {
    const key = keys.keyOf(uri);
    try {
      return await objects.head(key);
    } catch (cause) {
      throw unavailable('look at', uri, cause);
    }
  };
  return {
    // A file that is not published is an upload, which has no name.
    showsUnpublished: false,
    list: async function* (folderUri, signal) {
      for await (const files of filesBelow(objects, keys, folderUri, signal)) yield storedFiles(files);
    },
    read: async function* (uri, signal, range = WHOLE) {
      signal?.throwIfAborted();
      const facts = await look(uri);
      if (facts === null) throw nothingToRead(uri);
      try {
        for await (const chunk of chunksOf(objects, keys.keyOf(uri), facts, range)) {
          yield chunk;
          signal?.throwIfAborted();
        }
      } catch (cause) {
        if (signal?.aborted === true) throw cause;
        throw isRefusal(cause, 'NoSuchKey') ? nothingToRead(uri) : unavailable('read back', uri, cause);
      }
    },
    verify: async (uri, expected, options = {}) => {
      options.signal?.throwIfAborted();
      const facts = await look(uri);
      if (facts === null) return { type: 'missing' };
      if (facts.length === expected.length && facts.crc64 !== null) {
        options.onBytes?.(facts.length);
        options.signal?.throwIfAborted();
        if (facts.crc64 === expected.crc64) return { type: 'same' };
        return { type: 'differs', length: facts.length, crc64: facts.crc64 };
      }
      const chunks = (to: number) => chunksOf(objects, keys.keyOf(uri), facts, { to });
      try {
        return await verdictOf({ length: facts.length, chunks }, expected, options);
      } catch (cause) {
        if (options.signal?.aborted === true || cause instanceof TidemarkError) throw cause;
        if (isRefusal(cause, 'NoSuchKey')) return { type: 'missing' };
        throw unavailable('read back', uri, cause);
      }
    },
  };
}
