/** Reads the world's destinations back, like the real stores' reading. */
import {
  BOOKKEEPING,
  CHUNK_BYTES,
  kindOf,
  nothingToRead,
  verdictOf,
} from '../../src/stores/storedContent.ts';
import { WHOLE, type StoredFile, type StoreReading } from '../../src/stores/reading.ts';

const BATCH_FILES = 100;

/** What a destination holds, by URI. */
export interface Readable {
  readonly showsUnpublished: boolean;
  uris(): Iterable<string>;
  /** Null if there is no such file. Throws if it cannot be read now. */
  contentOf(uri: string): Buffer | null;
  /** Of one that stands, in bytes. */
  lengthOf(uri: string): number;
}

/** @param call every look is one call of the process. */
export function simReading(standing: Readable, call: <T>(arrives: () => T) => Promise<T>): StoreReading {
  return {
    showsUnpublished: standing.showsUnpublished,
    list: async function* (folderUri, signal) {
      signal?.throwIfAborted();
      const files = await call(() => filesBelow(standing, folderUri.replace(/\/+$/, '')));
      for (let at = 0; at < files.length; at += BATCH_FILES) {
        yield files.slice(at, at + BATCH_FILES);
        signal?.throwIfAborted();
      }
    },
    read: async function* (uri, signal, { from, to } = WHOLE) {
      signal?.throwIfAborted();
      const bytes = await call(() => standing.contentOf(uri));
      if (bytes === null) throw nothingToRead(uri);
      for (const chunk of chunksOf(bytes.subarray(from, to), bytes.length)) {
        yield chunk;
        signal?.throwIfAborted();
      }
    },
    verify: async (uri, expected, options = {}) => {
      options.signal?.throwIfAborted();
      const bytes = await call(() => standing.contentOf(uri));
      if (bytes === null) return { type: 'missing' };
      const chunks = (most: number) => chunksOf(bytes, most);
      return verdictOf({ length: bytes.length, chunks }, expected, options);
    },
  };
}

function filesBelow(standing: Readable, folderUri: string): StoredFile[] {
  return [...standing.uris()].toSorted().flatMap((uri) => {
    if (!uri.startsWith(`${folderUri}/`)) return [];
    const names = uri.slice(folderUri.length + 1).split('/');
    const kind = kindOf(names.pop() ?? '');
    if (kind === null || names.includes(BOOKKEEPING)) return [];
    return [{ uri, length: standing.lengthOf(uri), kind }];
  });
}

function* chunksOf(bytes: Buffer, length: number): Iterable<Uint8Array> {
  const end = Math.min(bytes.length, length);
  for (let at = 0; at < end; at += CHUNK_BYTES) yield bytes.subarray(at, Math.min(at + CHUNK_BYTES, end));
}
