/** Frames of lz4 from drawn sequences, and what they hold by the definition: byte by byte. */

/**
 * Literals, then a match that goes back `distance` and copies `length` bytes (at least 4); without one only
 * at a block's end.
 */
export interface Sequence {
  readonly literals: Buffer;
  readonly match: { readonly distance: number; readonly length: number } | null;
}

export interface FrameOptions {
  /** 4 to 7: 64 KiB to 4 MiB. */
  readonly blockSize: number;
  readonly isLinked: boolean;
  readonly hasContentSize: boolean;
}

export interface Block {
  readonly bytes: Buffer;
  readonly isStored: boolean;
}

const MATCH_MIN = 4;

export function packBlock(sequences: readonly Sequence[]): Buffer {
  return Buffer.concat(
    sequences.flatMap(({ literals, match }) => {
      const matchLength = match === null ? 0 : match.length - MATCH_MIN;
      const token = (Math.min(15, literals.length) << 4) | Math.min(15, matchLength);
      const head = [Buffer.from([token]), more(literals.length), literals];
      if (match === null) return head;
      const distance = Buffer.alloc(2);
      distance.writeUInt16LE(match.distance);
      return [...head, distance, more(matchLength)];
    }),
  );
}

/** What a length is beyond its four bits. */
function more(length: number): Buffer {
  if (length < 15) return Buffer.alloc(0);
  const left = length - 15;
  return Buffer.concat([Buffer.alloc(Math.floor(left / 255), 255), Buffer.from([left % 255])]);
}

/** Appends to what was unpacked before. */
export function applySequences(sequences: readonly Sequence[], before: readonly number[]): number[] {
  const bytes = [...before];
  for (const { literals, match } of sequences) {
    bytes.push(...literals);
    for (let left = match?.length ?? 0; left > 0; left -= 1)
      bytes.push(bytes[bytes.length - (match?.distance ?? 0)] ?? NaN);
  }
  return bytes;
}

export function buildFrame(options: FrameOptions, blocks: readonly Block[], contentBytes: number): Buffer {
  const { blockSize, isLinked, hasContentSize } = options;
  const flags = 0x40 | (isLinked ? 0 : 0x20) | (hasContentSize ? 0x08 : 0);
  const size = Buffer.alloc(hasContentSize ? 8 : 0);
  if (hasContentSize) size.writeBigUInt64LE(BigInt(contentBytes));
  const descriptor = Buffer.concat([Buffer.from([flags, blockSize << 4]), size]);
  return Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18]),
    descriptor,
    Buffer.from([(xxh32OfFew(descriptor) >>> 8) & 0xff]),
    ...blocks.flatMap(({ bytes, isStored }) => [word(bytes.length + (isStored ? 0x8000_0000 : 0)), bytes]),
    word(0),
  ]);
}

export function skippableFrame(bytes: Buffer): Buffer {
  return Buffer.concat([word(0x184d2a53), word(bytes.length), bytes]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** xxHash of fewer than 16 bytes: a descriptor's. */
function xxh32OfFew(bytes: Buffer): number {
  const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  let hash = (0x165667b1 + bytes.length) | 0;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (hash + Math.imul(bytes.readUInt32LE(at), 0xc2b2ae3d)) | 0;
    hash = Math.imul(rotate(hash, 17), 0x27d4eb2f);
  }
  for (; at < bytes.length; at += 1) {
    hash = (hash + Math.imul(bytes.readUInt8(at), 0x165667b1)) | 0;
    hash = Math.imul(rotate(hash, 11), 0x9e3779b1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d);
  return (hash ^ (hash >>> 16)) >>> 0;
}
