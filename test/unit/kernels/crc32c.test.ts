import { expect, test } from 'vitest';
import { crc32c } from '../../../kernels/crc32c.ts';

test('CRC-32C has the check value of the Castagnoli polynomial', () => {
  const digits = Buffer.from('123456789');
  expect(crc32c(digits, 0, digits.length).toString(16)).toBe('e3069283');
});

test('CRC-32C of every alignment and length equals the bit-by-bit one', () => {
  const bitwise = (bytes: Buffer): number => {
    let crc = 0xffffffff;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
    }
    return (crc ^ 0xffffffff) >>> 0;
  };
  const bytes = Buffer.from(Array.from({ length: 64 }, (_, index) => (index * 167 + 13) & 0xff));
  for (let start = 0; start < 10; start += 1) {
    for (let end = start; end <= bytes.length; end += 1) {
      expect(crc32c(bytes, start, end)).toBe(bitwise(bytes.subarray(start, end)));
    }
  }
});
