/** The codecs of Parquet pages: all that there is to know of each. */
import { promisify } from 'node:util';
import {
  constants,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompressSync,
  type ZlibOptions,
  type ZstdOptions,
} from 'node:zlib';
import { OUTPUT_CHUNK_BYTES } from '../compression/codec.ts';
import { compressSync as snappySync, uncompressSync as unsnappySync } from 'snappy';

/** What a codec adds to bytes that it cannot make smaller. */
const PAGE_OVERHEAD_BYTES = 1024;
const zstdInThread = promisify<Uint8Array, ZstdOptions, Uint8Array>(zstdCompress);
const gzipInThread = promisify<Uint8Array, ZlibOptions, Uint8Array>(gzip);

/** What compresses a page, here or in another thread, while its bytes stay as they are. */
export interface PageCompressor {
  here(bytes: Uint8Array): Uint8Array;
  inThread(bytes: Uint8Array): Promise<Uint8Array>;
}

/** What a codec returns is the caller's. */
interface PageCodec {
  /** In the metadata (parquet.thrift, CompressionCodec), and its name there. */
  readonly number: number;
  readonly thriftName: string;
  readonly description: string;
  /** Null: it has none. */
  readonly level: { readonly least: number; readonly most: number; readonly usual: number } | null;
  /** @param level NaN where it has none. */
  compressor(level: number): PageCompressor;
  /** A page is never larger than its header says, whatever its bytes are. */
  decompress(page: Uint8Array, length: number): Uint8Array;
}

/** In the order in which users see them. */
export const PAGE_CODECS = {
  zstd: {
    ...{ number: 6, thriftName: 'ZSTD', description: 'small and fast.' },
    level: { least: 1, most: 22, usual: 1 },
    compressor: (level) => {
      const params = { [constants.ZSTD_c_compressionLevel]: level };
      // The size goes into the frame: some readers want it there.
      const optionsFor = (bytes: Uint8Array): ZstdOptions => ({
        ...{ params, pledgedSrcSize: bytes.length, chunkSize: chunkFor(bytes) },
      });
      return {
        here: (bytes) => zstdCompressSync(bytes, optionsFor(bytes)),
        inThread: (bytes) => zstdInThread(bytes, optionsFor(bytes)),
      };
    },
    decompress: (page, length) => zstdDecompressSync(page, { maxOutputLength: Math.max(length, 1) }),
  },
  snappy: {
    ...{ number: 1, thriftName: 'SNAPPY', description: 'of Parquet alone: fast, and read by everything.' },
    level: null,
    // So fast that another thread is not worth it.
    compressor: () => onlyHere((bytes) => snappySync(asBuffer(bytes))),
    decompress: (page) => unsnappySync(asBuffer(page)) as Buffer,
  },
  gzip: {
    ...{ number: 2, thriftName: 'GZIP', description: 'for old readers.' },
    level: { least: 0, most: 9, usual: 6 },
    compressor: (level) => {
      const optionsFor = (bytes: Uint8Array): ZlibOptions => ({ level, chunkSize: chunkFor(bytes) });
      return {
        here: (bytes) => gzipSync(bytes, optionsFor(bytes)),
        inThread: (bytes) => gzipInThread(bytes, optionsFor(bytes)),
      };
    },
    decompress: (page, length) => gunzipSync(page, { maxOutputLength: Math.max(length, 1) }),
  },
} as const satisfies Readonly<Record<string, PageCodec>>;

export type Codec = keyof typeof PAGE_CODECS | 'none';

const CODECS: readonly Codec[] = ['none', ...(Object.keys(PAGE_CODECS) as (keyof typeof PAGE_CODECS)[])];

export const codecNumber = (codec: Codec): number => (codec === 'none' ? 0 : PAGE_CODECS[codec].number);

/** Throws TypeError for another name. */
export function codecNamed(name: string): Codec {
  const found = CODECS.find((codec) => codec === name);
  if (found === undefined) throw new TypeError(`There is no codec "${name}".`);
  return found;
}

/**
 * What compresses a page. `none` returns what it was given. Throws RangeError for a level that it does not
 * have.
 */
export function compressor(codec: Codec, level?: number): PageCompressor {
  if (codec === 'none') return onlyHere((bytes) => bytes);
  const kind: PageCodec = PAGE_CODECS[codec];
  if (kind.level === null) return kind.compressor(NaN);
  const { least, most, usual } = kind.level;
  if (level === undefined) return kind.compressor(usual);
  if (Number.isInteger(level) && level >= least && level <= most) return kind.compressor(level);
  throw new RangeError(`${codec} has the levels ${least} to ${most}, not ${level}`);
}

/** A page is kept with all of its chunk. */
const chunkFor = ({ length }: Uint8Array): number =>
  Math.min(OUTPUT_CHUNK_BYTES, length + PAGE_OVERHEAD_BYTES);

const onlyHere = (here: (bytes: Uint8Array) => Uint8Array): PageCompressor => ({
  here,
  inThread: (bytes) => Promise.resolve(here(bytes)),
});

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
