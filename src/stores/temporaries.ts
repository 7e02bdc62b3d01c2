/**
 * What a store keeps of part files until they are published, as an outsider lists and removes it. Needs no
 * marker, no claim and no session.
 */
import type { StoreHandle } from './port.ts';

export interface Temporary {
  /** Of a file or an object its own URI; of a multipart upload the final URI that it is for. */
  readonly uri: string;
  /** Null for a file or an object. */
  readonly uploadId: string | null;
  /** When it was listed; null if the listing does not tell. */
  readonly bytes: number | null;
  /** When it was last written, or the upload was begun, in milliseconds since 1970, by the store's clock. */
  readonly modifiedAtMs: number;
}

/** Failures are StoreFailures, as those of `Store`. */
export interface Temporaries {
  /**
   * Batches of all that has a temporary name below a folder, at any depth and in any order, and of all
   * uploads of final names below it, whosoever they are. Leaves out the bookkeeping (`.tidemark`). A folder
   * that does not exist is empty. What is created or removed meanwhile may be missing.
   */
  list(folderUri: string, signal?: AbortSignal): AsyncIterable<readonly Temporary[]>;
  /**
   * Removes exactly this name, or exactly this upload, durably. Idempotent. Never touches a file with another
   * name, nor the object that an upload was to become.
   */
  remove(temporary: Pick<Temporary, 'uri' | 'uploadId'>): Promise<void>;
  /** The upload that a journaled handle of this store names; null if it names none. */
  uploadIdOf(handle: StoreHandle): string | null;
}
