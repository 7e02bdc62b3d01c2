/** The codecs of Parquet pages. */
import { compressSync as snappySync } from 'snappy';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';

export type Codec = 'none' | 'snappy' | 'gzip' | 'zstd';

const CODECS: readonly Codec[] = ['none', 'snappy', 'gzip', 'zstd'];

/** Numbers of the codecs in the metadata. */
export const CODEC_NUMBER: Readonly<Record<Codec, number>> = { none: 0, snappy: 1, gzip: 2, zstd: 6 };

/** Throws TypeError for another name. */
export function codecNamed(name: string): Codec {
  const found = CODECS.find((codec) => codec === name);
  if (found === undefined) throw new TypeError(`There is no codec "${name}".`);
  return found;
}

export const LEVELS = {
  gzip: { least: 0, most: 9, usual: 6 },
  zstd: { least: 1, most: 22, usual: 1 },
} as const;

/** What compresses a page. What it returns is the caller's, but for `none`: that returns what it was given. */
export function compressor(codec: Codec, level?: number): (bytes: Uint8Array) => Uint8Array {
  switch (codec) {
    case 'none':
      return (bytes) => bytes;
    case 'snappy':
      return (bytes) => snappySync(asBuffer(bytes));
    case 'gzip': {
      const options = { level: levelOf(codec, level) };
      return (bytes) => gzipSync(bytes, options);
    }
    case 'zstd': {
      const params = { [constants.ZSTD_c_compressionLevel]: levelOf(codec, level) };
      // The size goes into the frame: some readers want it there.
      return (bytes) => zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length });
    }
  }
}

function levelOf(codec: 'gzip' | 'zstd', level: number | undefined): number {
  const { least, most, usual } = LEVELS[codec];
  if (level === undefined) return usual;
  if (Number.isInteger(level) && level >= least && level <= most) return level;
  throw new RangeError(`${codec} has the levels ${least} to ${most}, not ${level}`);
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
