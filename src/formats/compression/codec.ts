/**
 * Compression of part files. A file is a sequence of frames (gzip members, zstd frames), each complete by
 * itself: readers decompress such a file as one (RFC 1952, section 2.2; RFC 8878, section 3), and it can be
 * continued by another process.
 */
export interface Codec {
  readonly name: string;
  /** End of the names of its files. */
  readonly suffix: string;
  /** One frame with all of these bytes, which are not changed until it resolves. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
}

/**
 * What the compressor's thread fills before it comes back to the event loop. Most frames fit: with Node's 16
 * KiB a frame of 1 MiB came back ten times, which cost zstd a sixth of its time.
 */
export const OUTPUT_CHUNK_BYTES = 256 * 1024;

/** What a codec is: each has a file here, and a place in codecs.ts. */
export interface CodecKind {
  /** The value of `sink.compression.codec`, and the end of a journaled format. */
  readonly name: string;
  readonly description: string;
  /** End of the names of its files. */
  readonly suffix: string;
  readonly level: { readonly least: number; readonly most: number; readonly usual: number };
  /** `compress` of a codec of this level. */
  compressor(level: number): Codec['compress'];
  /**
   * The bytes before compression. Rejects with an Error if the file is not whole frames.
   * @param chunks each need be valid only until the next one is asked for.
   */
  decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
}
