/**
 * lz4 frames, as Java's, librdkafka's and Go's producers write them: one or more, with blocks of either kind.
 *
 * Their checksums are skipped. They would show whether the packed bytes are those of the producer, which the
 * batch's CRC-32C has already shown. Java's consumer does not check the content checksum either.
 */
import { keepHistory, unpackLz4Block } from '../../../../kernels/lz4.ts';
import type { Output } from './unpackOutput.ts';

const MAGIC = 0x184d2204;
/** The first of sixteen magic numbers of frames that hold other data. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xffff_fff0;
const FLAG = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10 } as const;
const FLAG_INDEPENDENT = 0x20;
const FLAG_RESERVED = 0x02;
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
/** The block size is a power of four: 4 means 64 KiB, 7 means 4 MiB. */
const BLOCK_SIZE_SHIFT = 4;
const BLOCK_SIZE_MIN = 4;
const BLOCK_SIZE_MAX = 7;
const STORED = 0x8000_0000;
const CHECKSUM_BYTES = 4;
const CONTENT_SIZE_BYTES = 8;

interface FrameHeader {
  readonly blockBytesMax: number;
  readonly isLinked: boolean;
  readonly blockChecksumBytes: number;
  readonly contentChecksumBytes: number;
  readonly contentBytes: bigint | null;
  /** The byte at which the first block begins. */
  readonly end: number;
}

/** Throws if the frames are damaged, or if anything but frames follows them. */
export function unpackLz4(packed: Buffer, output: Output): void {
  if (packed.length === 0) throw new Error('there is no lz4 frame');
  for (let at = 0; at < packed.length;) {
    const magic = word(packed, at);
    at += 4;
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) at = skipped(packed, at);
    else if (magic === MAGIC) at = unpackFrame(packed, at, output);
    else throw new Error(`an lz4 frame cannot begin with ${magic.toString(16)}`);
  }
}

function skipped(packed: Buffer, at: number): number {
  const end = at + 4 + word(packed, at);
  if (end > packed.length) throw endsEarly();
  return end;
}

function unpackFrame(packed: Buffer, start: number, output: Output): number {
  const header = readHeader(packed, start);
  const outputStart = output.length;
  let at = header.end;
  let historyBytes = 0;
  for (let size = word(packed, at); size !== 0; size = word(packed, at)) {
    const end = at + 4 + (size & ~STORED);
    if (end + header.blockChecksumBytes > packed.length) throw endsEarly();
    const block =
      (size & STORED) === 0
        ? unpackLz4Block(packed, at + 4, end, header.blockBytesMax, historyBytes)
        : packed.subarray(at + 4, end);
    if (block === null || block.length > header.blockBytesMax)
      throw new Error(`the lz4 block at ${at} is damaged`);
    output.append(block);
    if (header.isLinked) historyBytes = keepHistory(block, historyBytes);
    at = end + header.blockChecksumBytes;
  }
  at += 4 + header.contentChecksumBytes;
  if (at > packed.length) throw endsEarly();
  const { contentBytes } = header;
  if (contentBytes !== null && contentBytes !== BigInt(output.length - outputStart))
    throw new Error(`an lz4 frame holds ${output.length - outputStart} bytes instead of ${contentBytes}`);
  return at;
}

function readHeader(packed: Buffer, start: number): FrameHeader {
  const flags = byte(packed, start);
  const blockSize = byte(packed, start + 1) >> BLOCK_SIZE_SHIFT;
  if ((flags & VERSION_MASK) !== VERSION || (flags & FLAG_RESERVED) !== 0)
    throw new Error(`an lz4 frame of unknown version (${flags.toString(16)})`);
  if ((flags & FLAG.dictionary) !== 0) throw new Error('an lz4 frame needs a dictionary, and there is none');
  if (blockSize < BLOCK_SIZE_MIN || blockSize > BLOCK_SIZE_MAX)
    throw new Error(`an lz4 frame of unknown block size (${blockSize})`);
  const hasSize = (flags & FLAG.contentSize) !== 0;
  const sizeAt = start + 2;
  const headerChecksumAt = sizeAt + (hasSize ? CONTENT_SIZE_BYTES : 0);
  if (headerChecksumAt >= packed.length) throw endsEarly();
  return {
    blockBytesMax: 4 ** blockSize * 256,
    isLinked: (flags & FLAG_INDEPENDENT) === 0,
    blockChecksumBytes: (flags & FLAG.blockChecksum) === 0 ? 0 : CHECKSUM_BYTES,
    contentChecksumBytes: (flags & FLAG.contentChecksum) === 0 ? 0 : CHECKSUM_BYTES,
    contentBytes: hasSize ? packed.readBigUInt64LE(sizeAt) : null,
    end: headerChecksumAt + 1,
  };
}

function byte(packed: Buffer, at: number): number {
  return packed[at] ?? fail();
}

function word(packed: Buffer, at: number): number {
  if (at + 4 > packed.length) throw endsEarly();
  return packed.readUInt32LE(at);
}

function fail(): never {
  throw endsEarly();
}

function endsEarly(): Error {
  return new Error('an lz4 frame ends before its end');
}
