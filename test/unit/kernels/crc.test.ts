import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrcKernel } from '../../../kernels/crc.ts';
import { reserve } from '../../../kernels/memory.ts';

const shapes = {
  'CRC-64/ECMA-182': {
    polynomial: 0xc96c5795d7870f42n,
    distances: [452, 893, 1220, 1497, 1633, 1973, 3419],
  },
  'CRC-32C': { polynomial: 0x82f63b78n, distances: [307, 308, 317, 452, 499] },
};

/** By the definition: bit after bit; the states after 0, 1, 2 ... bytes. */
function bitwise(polynomial: bigint, state: bigint, bytes: Uint8Array): bigint[] {
  const states = [state];
  let crc = state;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    states.push(crc);
  }
  return states;
}

/** Arbitrary bytes cheaply: drawn once, xorshift from there. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let word = seed | 1;
  for (let at = 0; at < length; at += 1) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    bytes[at] = word;
  }
  return bytes;
}

const LONGEST = 40_000;
const inPlace = reserve(LONGEST + 16);

describe.each(Object.entries(shapes))('%s', (_name, shape) => {
  const kernel = new CrcKernel(shape);
  const window = shape.distances.at(-1) ?? 0;
  /** Around every length at which the way of computing changes. */
  const lengths = [0, 1, 7, 8, 9, 2 * window, 16 * 1024, 32 * 1024].flatMap((length) =>
    Array.from({ length: 34 }, (_, index) => Math.max(0, length - 17 + index)),
  );

  it('equals the bit-by-bit one at every length where its way changes', () => {
    const bytes = noise(LONGEST, 7);
    const expected = bitwise(shape.polynomial, shape.polynomial, bytes);
    for (const length of new Set(lengths)) {
      const state = kernel.update(shape.polynomial, bytes, 0, length);
      expect(BigInt.asUintN(64, state), `length ${length}`).toBe(expected[length]);
    }
  });

  it('is the same for bytes that are in its memory already, and however a message is cut', () => {
    const drawn = fc.record({
      length: fc.integer({ min: 0, max: LONGEST }),
      shift: fc.integer({ min: 0, max: 15 }),
      seed: fc.integer(),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(drawn, ({ length, shift, seed, cut }) => {
        const message = noise(length, seed);
        const whole = kernel.update(-1n, message, 0, length);
        const at = Math.floor(length * cut);
        const cutState = kernel.update(kernel.update(-1n, message, 0, at), message, at, length);
        expect(cutState).toBe(whole);
        inPlace.set(message, shift);
        expect(kernel.update(-1n, inPlace, shift, shift + length)).toBe(whole);
      }),
      { numRuns: 100 },
    );
  });
});
