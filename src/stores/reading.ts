/**
 * Reading a destination back: changes nothing there, needs no marker, no claim and no session. URIs have the
 * form in which they are journaled.
 */
import type { Crc64Hex } from '../../journal/ids.ts';

export interface StoredFile {
  readonly uri: string;
  /** In bytes, when the file was listed. */
  readonly length: number;
  /** `temporary`: a name that only Tidemark gives (`.tidemark-<id>`, and what the store makes of it). */
  readonly kind: 'visible' | 'temporary';
}

/** What a file holds, against what was journaled. */
export type ContentVerdict =
  | { readonly type: 'same' }
  | { readonly type: 'missing' }
  | {
      readonly type: 'differs';
      /** Of the whole file, in bytes. */
      readonly length: number;
      /** Of the bytes that were compared. Null if the length already told. */
      readonly crc64: Crc64Hex | null;
    };

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Of any file. */
export const WHOLE: ByteRange = { from: 0, to: Infinity };

export interface VerifyOptions {
  /** Only the first `expected.length` bytes count: a longer file may still be the same. */
  readonly prefix?: boolean;
  readonly signal?: AbortSignal;
  /** Called for each chunk with the number of its bytes. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * STORE_UNAVAILABLE, naming the file or folder, if the destination does not answer, or does not let it be
 * read. An aborted signal rejects with its reason, between two chunks.
 */
export interface StoreReading {
  /**
   * Whether a file is at its temporary name before it is published. Otherwise nobody sees it until then, and
   * its temporary name stands for what the store keeps of it.
   */
  readonly showsUnpublished: boolean;
  /**
   * The bytes of a file, published or temporary, in chunks of at most 1 MiB. A chunk is valid until the next
   * one is asked for. STORE_FILE_MISSING if there is no such file.
   * @param range the bytes [from, to) alone, as far as the file has them.
   */
  read(uri: string, signal?: AbortSignal, range?: ByteRange): AsyncIterable<Uint8Array>;
  /**
   * Batches of the files below a folder, at any depth and in any order. What Tidemark keeps for itself
   * (`.tidemark`) is left out, and so are names of others that begin with a dot: readers do not see them. A
   * folder that does not exist is empty. A file that is created, moved or removed meanwhile may be missing.
   */
  list(folderUri: string, signal?: AbortSignal): AsyncIterable<readonly StoredFile[]>;
  /** Compares the length, then the checksum. A temporary file is found under any name the store gives it. */
  verify(
    uri: string,
    expected: { readonly length: number; readonly crc64: Crc64Hex },
    options?: VerifyOptions,
  ): Promise<ContentVerdict>;
}
