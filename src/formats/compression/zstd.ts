/**
 * zstd, with what reads its files back, frame by frame: Node's own decoder ends after the first frame of a
 * file, so that frames are told apart here by their headers (RFC 8878, section 3.1).
 */
import { constants, zstdCompress, zstdDecompress, type ZstdOptions } from 'node:zlib';
import { promisify } from 'node:util';
import { OUTPUT_CHUNK_BYTES, type CodecKind } from './codec.ts';

const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const RLE_BLOCK = 1;

const compressed = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);
const decompressed = promisify<Uint8Array, Buffer>(zstdDecompress);

export const ZSTD: CodecKind = {
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
    return (bytes) =>
      compressed(bytes, { params, pledgedSrcSize: bytes.length, chunkSize: OUTPUT_CHUNK_BYTES });
  },
  decompress,
};

async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    let at = 0;
    for (let end = zstdFrameEnd(pending, at); end !== null; end = zstdFrameEnd(pending, at)) {
      yield await decompressed(pending.subarray(at, end));
      at = end;
    }
    pending = pending.subarray(at);
  }
  if (pending.length > 0)
    throw new Error(`The last zstd frame is cut off: ${pending.length} bytes of it are there.`);
}

/** Where the frame that begins at `at` ends; null if it is not there to its end. Throws if there is none. */
function zstdFrameEnd(bytes: Buffer, at: number): number | null {
  if (at + MAGIC_BYTES >= bytes.length) return null;
  if (bytes.readUInt32LE(at) !== MAGIC) throw new Error(`No zstd frame begins at byte ${at}.`);
  const descriptor = bytes[at + MAGIC_BYTES] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 && isSingle ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
  const windowBytes = isSingle ? 0 : 1;
  let next = at + MAGIC_BYTES + 1 + windowBytes + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (next + BLOCK_HEADER_BYTES > bytes.length) return null;
    const header = bytes.readUIntLE(next, BLOCK_HEADER_BYTES);
    isLast = (header & 1) === 1;
    next += BLOCK_HEADER_BYTES + (((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3);
  }
  if ((descriptor & 4) !== 0) next += CHECKSUM_BYTES;
  return next <= bytes.length ? next : null;
}
