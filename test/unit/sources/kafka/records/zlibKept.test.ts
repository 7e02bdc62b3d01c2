/** The inner seam of node:zlib is there, and gives what the public functions give. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UnpackRoom } from '../../../../../src/sources/unpackRoom.ts';
import { PooledOutput } from '../../../../../src/sources/kafka/records/unpackOutput.ts';
import { GZIP, isSeamThere, ZSTD, zlibUnpacker } from '../../../../../src/sources/kafka/records/zlibKept.ts';

describe.each([
  ['gzip', GZIP],
  ['zstd', ZSTD],
])('%s', (_name, codec) => {
  const reader = (isSeamUsable?: () => boolean) => {
    const unpack = zlibUnpacker(codec, isSeamUsable);
    return (packed: Buffer): Buffer => {
      const output = new PooledOutput(new UnpackRoom(64 * 1024 * 1024));
      try {
        unpack(packed, output);
        return Buffer.from(output.bytes.subarray(0, output.length));
      } finally {
        output.release();
      }
    };
  };

  test("Node's inner seam is where it is looked for: if this fails, reading is slower", () => {
    expect(isSeamThere(codec)).toBe(true);
  });

  test('another seam is seen', () => {
    const shapes: object[] = [
      {},
      { _handle: {} },
      { _handle: { reset: () => 0, writeSync: () => 0 }, _writeState: [0, 0] },
    ];
    for (const shape of shapes) expect(isSeamThere({ ...codec, open: () => shape })).toBe(false);
  });

  test('gives what was packed, again and again, by the seam and without it', () => {
    const [kept, publicly] = [reader(), reader(() => false)];
    const drawn = fc.oneof(
      fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
      fc.integer({ min: 1, max: 5_000_000 }).map((length) => Buffer.alloc(length, 'over and over ')),
      fc
        .constantFrom(2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 2 ** 21)
        .map((length) => Buffer.alloc(length, 'on the edge')),
    );
    fc.assert(
      fc.property(drawn, (bytes) => {
        const packed = codec.packSync(bytes);
        expect(kept(packed).equals(bytes)).toBe(true);
        expect(publicly(packed).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('frames one behind the other are all read', () => {
    const packed = ['one ', 'two ', 'three'].map((text) => codec.packSync(Buffer.from(text)));
    expect(reader()(Buffer.concat(packed)).toString()).toBe('one two three');
  });

  test('one that is cut off anywhere is reported', () => {
    const read = reader();
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * index) >>> 7));
    const packed = codec.packSync(bytes);
    for (let length = 0; length < packed.length; length += 1 + (packed.length >>> 7))
      expect(() => read(packed.subarray(0, length))).toThrow();
    expect(read(packed).equals(bytes)).toBe(true);
  });

  test('damage is reported, and the next one is read all the same', () => {
    const read = reader();
    const whole = codec.packSync(Buffer.from('whole '.repeat(100)));
    const damaged: Buffer[] = [
      Buffer.alloc(0),
      Buffer.from('garbage of some length'),
      whole.subarray(0, -3),
      Buffer.concat([whole, Buffer.from('garbage behind it')]),
    ];
    for (const packed of damaged) {
      expect(() => read(packed)).toThrow();
      expect(read(whole).length).toBe(600);
    }
  });
});
