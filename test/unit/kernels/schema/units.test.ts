import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DURATION_PATTERN,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
  unitMissing,
} from '../../../../kernels/schema/units.ts';

describe('durations', () => {
  test.each([
    ['1ms', 1],
    ['500ms', 500],
    ['10s', 10_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['24d', 2_073_600_000],
  ])('%s are %d milliseconds', (text, value) => {
    expect(parseDuration(text)).toEqual({ type: 'parsed', value });
  });

  test.each([
    ['10', 'has no unit; expected a whole number and its unit, like 10s or 500ms (units: ms, s, m, h, d)'],
    ['10 s', 'holds a blank; expected 10s'],
    ['10S', 'has an unknown unit "S"'],
    ['10min', 'has an unknown unit "min"'],
    ['128MiB', 'has an unknown unit "MiB"'],
    ['1.5h', 'is no duration'],
    ['-1s', 'is no duration'],
    ['1m30s', 'is no duration'],
    ['soon', 'is no duration'],
    ['0s', 'is no time at all; expected at least 1ms'],
    ['25d', 'is too long; expected at most 24d'],
    ['9'.repeat(400) + 'd', 'is too long'],
  ])('%s is refused: it %s', (text, reason) => {
    expect(parseDuration(text)).toMatchObject({
      type: 'invalid',
      reason: expect.stringContaining(reason) as string,
    });
  });
});

describe('sizes', () => {
  test.each([
    ['1B', 1],
    ['64kB', 64_000],
    ['64KiB', 65_536],
    ['128MB', 128_000_000],
    ['128MiB', 134_217_728],
    ['2GB', 2_000_000_000],
    ['2GiB', 2_147_483_648],
  ])('%s are %d bytes', (text, value) => {
    expect(parseSize(text)).toEqual({ type: 'parsed', value });
  });

  test.each([
    ['128', 'has no unit'],
    [
      '128M',
      'has an unknown unit "M"; expected a whole number and its unit, like 128MiB or 64MB (units: B, kB, MB,',
    ],
    ['128mb', 'has an unknown unit "mb"'],
    ['64KB', 'has an unknown unit "KB"'],
    ['0B', 'is nothing; expected at least 1B'],
    ['9000000000GiB', 'is too large'],
    ['10s', 'has an unknown unit "s"'],
  ])('%s is refused: it %s', (text, reason) => {
    expect(parseSize(text)).toMatchObject({
      type: 'invalid',
      reason: expect.stringContaining(reason) as string,
    });
  });
});

test('a plain number is told which unit to write', () => {
  expect(unitMissing(10, 'duration')).toBe('10 has no unit; write for example 10s (units: ms, s, m, h, d)');
  expect(unitMissing(128, 'size')).toMatch(/^128 has no unit; write for example 128MiB, or 128B for bytes/);
  expect(unitMissing('10', 'size')).toBeNull();
});

test('the patterns of the JSON Schema accept what the parsers accept, but for the limits', () => {
  const unit = fc.constantFrom(
    'ms',
    's',
    'm',
    'h',
    'd',
    'B',
    'kB',
    'MB',
    'GB',
    'KiB',
    'MiB',
    'GiB',
    'KB',
    '',
    ' s',
    'sec',
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 24 }), unit, (count, suffix) => {
      const text = `${count}${suffix}`;
      expect(parseDuration(text).type === 'parsed').toBe(DURATION_PATTERN.test(text));
      expect(parseSize(text).type === 'parsed').toBe(SIZE_PATTERN.test(text));
    }),
  );
});
