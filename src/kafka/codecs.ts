/** Decompression of record batches, as Java's, librdkafka's and Go's producers write them. */
import { uncompressSync } from 'snappy';
import { unpackLz4 } from './lz4Frame.ts';
import type { Output } from './unpackOutput.ts';
import { GZIP, ZSTD, zlibUnpacker } from './zlibKept.ts';

export const CODEC_MASK = 0x07;
const CODEC = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** Java's snappy stream: this, two version numbers, then blocks that are each preceded by their length. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

const unpackGzip = zlibUnpacker(GZIP);
const unpackZstd = zlibUnpacker(ZSTD);

/** Appends what is packed to the output. Throws where it is damaged; the output then holds anything. */
export function unpack(codec: number, packed: Buffer, output: Output): void {
  switch (codec) {
    case CODEC.gzip:
      unpackGzip(packed, output);
      break;
    case CODEC.snappy:
      unpackSnappy(packed, output);
      break;
    case CODEC.lz4:
      unpackLz4(packed, output);
      break;
    case CODEC.zstd:
      unpackZstd(packed, output);
      break;
    default:
      throw new Error(`compression codec ${codec} is not known`);
  }
}

function unpackSnappy(packed: Buffer, output: Output): void {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    output.append(block(packed));
    return;
  }
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    const start = at + 4;
    at = start + packed.readInt32BE(at);
    if (at > packed.length || at < start) throw new Error('a snappy block reaches beyond its batch');
    output.append(block(packed.subarray(start, at)));
  }
}

function block(bytes: Buffer): Buffer {
  // Without asBuffer: false the result is always a Buffer.
  return uncompressSync(bytes, { asBuffer: true }) as Buffer;
}
