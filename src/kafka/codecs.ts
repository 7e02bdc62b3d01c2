/** Decompression of record batches, as Java's, librdkafka's and Go's producers write them. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decompressFrameSync } from 'lz4-napi';
import { uncompressSync } from 'snappy';

export const CODEC_MASK = 0x07;
const CODEC = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** Java's snappy stream: this, two version numbers, then blocks that are each preceded by their length. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
/** JSON expands about so much. */
const EXPANSION = 8;
const CHUNK_BYTES_MIN = 16 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;

export function decompress(codec: number, bytes: Buffer): Buffer {
  switch (codec) {
    case CODEC.none:
      return bytes;
    case CODEC.gzip:
      return gunzipSync(bytes, { chunkSize: chunkBytes(bytes) });
    case CODEC.snappy:
      return unsnappy(bytes);
    case CODEC.lz4:
      return decompressFrameSync(bytes);
    case CODEC.zstd:
      return zstdDecompressSync(bytes, { chunkSize: chunkBytes(bytes) });
    default:
      throw new Error(`compression codec ${codec} is not known`);
  }
}

/** Of the output: one chunk mostly takes it all, so that nothing has to be joined. */
function chunkBytes(packed: Buffer): number {
  return Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, packed.length * EXPANSION));
}

function unsnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return block(bytes);
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const start = at + 4;
    at = start + bytes.readInt32BE(at);
    if (at > bytes.length || at < start) throw new Error('a snappy block reaches beyond its batch');
    blocks.push(block(bytes.subarray(start, at)));
  }
  return Buffer.concat(blocks);
}

function block(bytes: Buffer): Buffer {
  // Without asBuffer: false the result is always a Buffer.
  return uncompressSync(bytes, { asBuffer: true }) as Buffer;
}
