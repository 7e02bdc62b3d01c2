import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineScratch } from '../../../src/formats/lineScratch.ts';

function written(write: (line: LineScratch) => void): string {
  const line = new LineScratch();
  line.ascii('<');
  write(line);
  line.ascii('>');
  return line.bytes.toString('latin1', 1, line.end - 1);
}

const EDGES = [7, 8, 9, 15].flatMap((power) => [10 ** power - 1, 10 ** power, 10 ** power + 1]);

describe('a whole number', () => {
  test.each([0, 9, 10, 4_294_967_296, Number.MAX_SAFE_INTEGER, -1, Number.MIN_SAFE_INTEGER, ...EDGES])(
    '%d is written in decimal',
    (value) => {
      expect(written((line) => line.whole(value))).toBe(String(value));
    },
  );

  test('is written in decimal, whatever it is', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(written((line) => line.whole(value))).toBe(String(value));
      }),
    );
  });

  test('and a text find room where the line is full', () => {
    const line = new LineScratch();
    for (let count = 0; count < 1_000; count += 1) {
      line.whole(1234567890);
      line.ascii(',');
    }
    expect(line.bytes.toString('latin1', 0, line.end)).toBe('1234567890,'.repeat(1_000));
  });
});
