/**
 * Compression of part files. A file is a sequence of frames (gzip members, zstd frames), each complete by
 * itself: readers decompress such a file as one (RFC 1952, section 2.2; RFC 8878, section 3), and it can be
 * continued by another process.
 */
import { constants, gzip, zstdCompress, type ZlibOptions, type ZstdOptions } from 'node:zlib';
import { promisify } from 'node:util';

export type CodecName = 'gzip' | 'zstd';

export interface Codec {
  readonly name: CodecName;
  /** End of the names of its files. */
  readonly suffix: string;
  /** One frame with all of these bytes, which are not changed until it resolves. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
}

/** What a codec is, for configuration and names. */
export interface CodecKind {
  readonly name: CodecName;
  readonly description: string;
  /** End of the names of its files. */
  readonly suffix: string;
  readonly level: { readonly least: number; readonly most: number; readonly usual: number };
  /** `compress` of a codec of this level. */
  compressor(level: number): Codec['compress'];
}

const gzipped = promisify<Uint8Array, ZlibOptions, Buffer>(gzip);
const zstdCompressed = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);

const GZIP: CodecKind = {
  name: 'gzip',
  description: 'read by everything; slower, and larger than zstd.',
  suffix: '.gz',
  level: { least: 1, most: 9, usual: 6 },
  compressor: (level) => (bytes) => gzipped(bytes, { level }),
};

const ZSTD: CodecKind = {
  name: 'zstd',
  description: 'fast and small; read by DuckDB, Spark, Trino, ClickHouse and zstd.',
  suffix: '.zst',
  level: { least: 1, most: 19, usual: 3 },
  compressor: (level) => {
    const params = {
      [constants.ZSTD_c_compressionLevel]: level,
      // Readers check each frame.
      [constants.ZSTD_c_checksumFlag]: 1,
    };
    return (bytes) => zstdCompressed(bytes, { params, pledgedSrcSize: bytes.length });
  },
};

export const CODECS: readonly CodecKind[] = [ZSTD, GZIP];

/** Throws TypeError for another name. */
export function codecKind(name: string): CodecKind {
  const kind = CODECS.find((one) => one.name === name);
  if (kind === undefined) throw new TypeError(`There is no codec "${name}".`);
  return kind;
}

/** @param level null for the usual one. */
export function makeCodec(name: string, level: number | null): Codec {
  const kind = codecKind(name);
  return { name: kind.name, suffix: kind.suffix, compress: kind.compressor(level ?? kind.level.usual) };
}
