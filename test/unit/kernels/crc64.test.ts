import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crc64, crc64Of } from '../../../kernels/crc64.ts';
import { crc64Plain } from '../../../kernels/crc64Plain.ts';

const text = Buffer.from('123456789');

describe('CRC-64/ECMA-182, reflected', () => {
  it('has the published check value', () => {
    expect(crc64Of(text)).toBe('995dc9bbdf1939fa');
  });

  it('continues from where the checksum of the bytes before has ended, at every cut', () => {
    for (let cut = 0; cut <= text.length; cut += 1) {
      const before = crc64Of(text.subarray(0, cut));
      expect(Crc64.from(before).hex()).toBe(before);
      expect(Crc64.from(before).update(text, cut).hex()).toBe('995dc9bbdf1939fa');
    }
  });

  it('is the same without WebAssembly', () => {
    expect(crc64Plain(text)).toBe('995dc9bbdf1939fa');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(crc64Plain(bytes)).toBe(crc64Of(bytes));
      }),
    );
  });

  it('continues from the ends of its range', () => {
    for (const hex of [
      '0000000000000000',
      'ffffffffffffffff',
      '80000000ffffffff',
      '7fffffff80000000',
    ] as const) {
      expect(Crc64.from(hex as Parameters<typeof Crc64.from>[0]).hex()).toBe(hex);
    }
  });
});
