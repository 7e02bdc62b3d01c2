/** Our way through lz4 against the definition and against lz4-napi, and through damage. */
import fc from 'fast-check';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import { kernelBytes, reserve } from '../../../kernels/memory.ts';
import { unpackLz4 } from '../../../src/sources/kafka/records/lz4Frame.ts';
import { UnpackRoom } from '../../../src/sources/unpackRoom.ts';
import { PooledOutput } from '../../../src/sources/kafka/records/unpackOutput.ts';
import {
  applySequences,
  type Block,
  buildFrame,
  packBlock,
  type Sequence,
  skippableFrame,
} from './lz4Builder.ts';

function unpacked(packed: Buffer): Buffer {
  const output = new PooledOutput(new UnpackRoom(64 * 1024 * 1024));
  try {
    unpackLz4(packed, output);
    return Buffer.from(output.bytes.subarray(0, output.length));
  } finally {
    output.release();
  }
}

/** Behind the kernel's own areas, the last of which are its tables. */
const guard = reserve(4_096);
const behindOutput = kernelBytes.subarray(guard.byteOffset - 256, guard.byteOffset + guard.length);

const failureOf = (packed: Buffer): unknown => {
  try {
    return unpacked(packed);
  } catch (error) {
    return error;
  }
};

/**
 * Literals and distances of every kind that the kernel tells apart: within a vector, one vector, two, far.
 */
const literals = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 15, maxLength: 80 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 270, maxLength: 300 }) },
);
const drawnSequence = fc.record({
  literals: literals.map((bytes) => Buffer.from(bytes)),
  distance: fc.oneof(fc.integer({ min: 1, max: 36 }), fc.integer({ min: 1, max: 65_535 })),
  length: fc.oneof(fc.integer({ min: 4, max: 40 }), fc.integer({ min: 4, max: 700 })),
});
const drawnBlock = fc.record({
  sequences: fc.array(drawnSequence, { minLength: 1, maxLength: 12 }),
  last: literals.map((bytes) => Buffer.from(bytes)),
  isStored: fc.boolean(),
});
const drawnFrame = fc.record({
  blocks: fc.array(drawnBlock, { maxLength: 5 }),
  blockSize: fc.integer({ min: 4, max: 7 }),
  isLinked: fc.boolean(),
  hasContentSize: fc.boolean(),
});

/** Distances are cut to what is there to be copied. */
function layOut({ blocks: drawn, ...options }: typeof drawnFrame extends fc.Arbitrary<infer T> ? T : never): {
  packed: Buffer;
  content: Buffer;
} {
  const all: number[] = [];
  const blocks: Block[] = [];
  for (const { sequences, last, isStored } of drawn) {
    const historyBytes = options.isLinked ? all.length : 0;
    let before = historyBytes;
    const made: Sequence[] = sequences.map(({ literals: own, distance, length }) => {
      before += own.length;
      const isThere = before > 0;
      const match = isThere ? { distance: 1 + ((distance - 1) % Math.min(before, 65_535)), length } : null;
      const bytes = isThere ? own : Buffer.from('x');
      const safe = match ?? { distance: 1, length };
      before += length + (isThere ? 0 : 1);
      return { literals: bytes, match: safe };
    });
    made.push({ literals: last, match: null });
    const content = applySequences(made, options.isLinked ? all : []).slice(historyBytes);
    blocks.push({ bytes: isStored ? Buffer.from(content) : packBlock(made), isStored });
    all.push(...content);
  }
  return { packed: buildFrame(options, blocks, all.length), content: Buffer.from(all) };
}

describe('lz4', () => {
  test('drawn sequences give what they say, here and with lz4-napi', () => {
    fc.assert(
      fc.property(fc.array(drawnFrame, { minLength: 1, maxLength: 3 }), (drawn) => {
        const frames = drawn.map(layOut);
        const content = Buffer.concat(frames.map((frame) => frame.content));
        const skipped = skippableFrame(Buffer.from('something else'));
        const packed = Buffer.concat(frames.flatMap((frame) => [skipped, frame.packed]));
        expect(unpacked(packed).equals(content)).toBe(true);
        for (const frame of frames)
          expect(decompressFrameSync(frame.packed).equals(frame.content)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  const text = fc.oneof(
    fc.uint8Array({ maxLength: 300_000 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 70 }), fc.integer({ min: 1, max: 9_000_000 }))
      .map(([pattern, length]) => Buffer.alloc(length, pattern)),
    fc.array(fc.json(), { minLength: 1, maxLength: 60 }).map((all) => Buffer.from(all.join('\n').repeat(30))),
  );

  test('what lz4-napi packs is unpacked, with and without checksums', () => {
    fc.assert(
      fc.property(text, fc.boolean(), fc.boolean(), (bytes, contentChecksum, blockChecksums) => {
        const packed = compressFrameSync(bytes, { contentChecksum, blockChecksums });
        expect(unpacked(packed).equals(bytes)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('whatever the bytes are: as lz4-napi, or an error, and no other memory changes', () => {
    const before = behindOutput.slice();
    let [damaged, whole] = [0, 0];
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(drawnFrame, changes, fc.nat(), fc.boolean(), (drawn, changed, cutAt, isCut) => {
        const { packed, content } = layOut(drawn);
        const bytes = isCut ? packed.subarray(0, cutAt % packed.length) : Buffer.from(packed);
        for (const [at, value] of isCut ? [] : changed)
          bytes.writeUInt8(value, 7 + (at % (bytes.length - 7)));
        const outcome = failureOf(bytes);
        if (isCut) expect(outcome).toBeInstanceOf(Error);
        if (outcome instanceof Error) damaged += 1;
        else whole += 1;
        if (outcome instanceof Buffer && outcome.length === content.length) {
          // lz4-napi refuses more: rules for the end of a block that are a packer's, and frames that hold
          // less than they could.
          const other = ((): Buffer | null => {
            try {
              return decompressFrameSync(bytes);
            } catch {
              return null;
            }
          })();
          if (other !== null) expect(outcome.equals(other)).toBe(true);
        }
        expect(Buffer.compare(behindOutput, before)).toBe(0);
      }),
      { numRuns: 400 },
    );
    expect(damaged).toBeGreaterThan(50);
    expect(whole).toBeGreaterThan(20);
  });
});

describe('a damaged frame', () => {
  const options = { blockSize: 4, isLinked: false, hasContentSize: false };
  const frameOf = (...sequences: Sequence[]): Buffer =>
    buildFrame(options, [{ bytes: packBlock(sequences), isStored: false }], 0);
  const END: Sequence = { literals: Buffer.from('the end'), match: null };
  const literal = Buffer.from('12345678');
  const whole = frameOf({ literals: literal, match: { distance: 8, length: 8 } }, END);
  const changed = (at: number, value: number): Buffer => Buffer.from(whole).fill(value, at, at + 1);
  const linked = buildFrame(
    { ...options, isLinked: true },
    [
      { bytes: literal, isStored: true },
      { bytes: packBlock([{ literals: literal, match: { distance: 17, length: 4 } }, END]), isStored: false },
    ],
    0,
  );

  test('is none: this one is whole', () => {
    expect(unpacked(whole).toString()).toBe('1234567812345678the end');
  });

  test.each<[string, Buffer, string]>([
    [
      'a match of distance 0',
      frameOf({ literals: literal, match: { distance: 0, length: 8 } }, END),
      'damaged',
    ],
    [
      'a match before the block',
      frameOf({ literals: literal, match: { distance: 9, length: 4 } }, END),
      'damaged',
    ],
    ['a match before the first of linked blocks', linked, 'damaged'],
    [
      'a match longer than its block may be',
      frameOf({ literals: literal, match: { distance: 1, length: 65_529 } }, END),
      'damaged',
    ],
    [
      'literals beyond what its block may hold',
      frameOf({ literals: literal, match: { distance: 1, length: 65_528 } }, END),
      'damaged',
    ],
    [
      'a block that ends with a match',
      frameOf({ literals: literal, match: { distance: 8, length: 8 } }),
      'damaged',
    ],
    ['literals that reach beyond the block', changed(11, 0xf4), 'damaged'],
    [
      'a stored block that is too long',
      buildFrame(options, [{ bytes: Buffer.alloc(65_537), isStored: true }], 0),
      'damaged',
    ],
    ['a wrong content size', buildFrame({ ...options, hasContentSize: true }, [], 1), '0 bytes instead of 1'],
    ['no frame at all', Buffer.alloc(0), 'no lz4 frame'],
    ['another magic number', changed(0, 0x05), 'cannot begin with 184d2205'],
    ['another version', changed(4, 0xa0), 'unknown version'],
    ['a reserved flag', changed(4, 0x62), 'unknown version'],
    ['a dictionary', changed(4, 0x61), 'dictionary'],
    ['another block size', changed(5, 0x30), 'block size'],
    ['a skipped frame that is cut off', skippableFrame(Buffer.alloc(9)).subarray(0, -1), 'ends before'],
    ['what is no frame behind it', Buffer.concat([whole, Buffer.alloc(3)]), 'ends before'],
  ])('%s', (_name, packed, message) => {
    expect(() => unpacked(packed)).toThrow(message);
  });

  test.each<[string, Sequence]>([
    ['literals', { literals: Buffer.alloc(5_000, 'x'), match: null }],
    ['a match', { literals: literal, match: { distance: 1, length: 5_000 } }],
  ])('whose last and longest block has %s too many: nothing behind the output is touched', (_name, last) => {
    const before = behindOutput.slice();
    const fill: Sequence = { literals: literal, match: { distance: 1, length: 4 * 1024 * 1024 - 20 } };
    const block = { bytes: packBlock([fill, last]), isStored: false };
    expect(() => unpacked(buildFrame({ ...options, blockSize: 7 }, [block], 0))).toThrow('damaged');
    expect(Buffer.compare(behindOutput, before)).toBe(0);
  });

  test('one that is cut off anywhere', () => {
    for (let length = 0; length < whole.length; length += 1)
      expect(() => unpacked(whole.subarray(0, length))).toThrow();
  });
});
