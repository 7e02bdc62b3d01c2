import { expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { crc64Combine } from '../../../kernels/crc64Combine.ts';
import { crc64Combine as combineOfServer } from '../../../servers/oss/state/crc64Combine.ts';
import { patternBytes } from '../../conformance/store/scene.ts';

const NONE = crc64Of(new Uint8Array(0));

test.each([
  [0, 0],
  [0, 5],
  [5, 0],
  [4, 5],
  [1, 1_000_003],
  [100 * 1024, 100 * 1024],
])('of %i and %i bytes it is that of all of them', (first, second) => {
  const bytes = patternBytes(first + second, 7);
  const combined = crc64Combine(crc64Of(bytes.subarray(0, first)), crc64Of(bytes.subarray(first)), second);
  expect(combined).toBe(crc64Of(bytes));
});

test('of the check value of the algorithm', () => {
  const [begin, end] = [Buffer.from('1234'), Buffer.from('56789')];
  expect(crc64Combine(crc64Of(begin), crc64Of(end), end.length)).toBe('995dc9bbdf1939fa');
});

test('of many parts, one after the other, from none on', () => {
  const parts = Array.from({ length: 40 }, (_, index) => patternBytes(index * 37, index));
  const combined = parts.reduce((crc, part) => crc64Combine(crc, crc64Of(part), part.length), NONE);
  expect(combined).toBe(crc64Of(Buffer.concat(parts)));
});

test('two implementations agree on lengths that no test can hold', () => {
  const [first, second] = [crc64Of(Buffer.from('a')), crc64Of(Buffer.from('b'))];
  for (const length of [2 ** 31 + 1, 2 ** 40 + 12_345, 48.8 * 1024 ** 4]) {
    const other = combineOfServer(BigInt(`0x${first}`), BigInt(`0x${second}`), Math.floor(length));
    expect(crc64Combine(first, second, Math.floor(length))).toBe(other.toString(16).padStart(16, '0'));
  }
});
