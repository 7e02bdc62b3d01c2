/** Decompresses record batches, as Java's, librdkafka's and Go's producers write them. */
import { uncompressSync } from 'snappy';
import { unpackLz4 } from './lz4Frame.ts';
import type { Output } from './unpackOutput.ts';
import { GZIP, ZSTD, zlibUnpacker } from './zlibKept.ts';

export const CODEC_MASK = 0x07;
const CODEC = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** Java's snappy stream: this, two version numbers, then blocks, each preceded by its length. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

const unpackGzip = zlibUnpacker(GZIP);
const unpackZstd = zlibUnpacker(ZSTD);

/**
 * Appends the unpacked bytes to the output. Throws if the input is damaged, or the output's error if it does
 * not fit; the output's content is then undefined. Never allocates more than fits.
 */
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
    unpackBlock(packed, output);
    return;
  }
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    const start = at + 4;
    at = start + packed.readInt32BE(at);
    if (at > packed.length || at < start) throw new Error('a snappy block reaches beyond its batch');
    unpackBlock(packed.subarray(start, at), output);
  }
}

/** The library allocates as much memory as the start of the block demands, so that is checked first. */
function unpackBlock(bytes: Buffer, output: Output): void {
  output.reserve(unpackedBytes(bytes));
  // Without asBuffer: false the result is always a Buffer.
  output.append(uncompressSync(bytes, { asBuffer: true }) as Buffer);
}

const LENGTH_BYTES_MAX = 5;

/** A snappy block begins with the length of its content, seven bits per byte, lowest first. */
function unpackedBytes(block: Buffer): number {
  let length = 0;
  for (let at = 0; at < LENGTH_BYTES_MAX; at += 1) {
    const byte = block[at] ?? 0x80;
    length += (byte & 0x7f) * 128 ** at;
    if (byte < 0x80) return length;
  }
  throw new Error('a snappy block does not say how long it is');
}
