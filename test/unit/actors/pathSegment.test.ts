import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePathSegment, SEGMENT_BYTES_MAX } from '../../../actors/pathSegment.ts';
import { crc64Plain } from '../../../kernels/crc64Plain.ts';

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** Any UTF-16 text, lone surrogates too, with what is dangerous drawn often. */
const anyText = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          '.',
          '_',
          '/',
          '\\',
          '%',
          '~',
          '\0',
          '\n',
          '\u007f',
          '\u0085',
          '\u202e',
          '..',
          '%2E',
          'a',
        ),
      },
      { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
      {
        weight: 1,
        arbitrary: fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)),
      },
      { weight: 1, arbitrary: fc.constantFrom('x'.repeat(120), 'é'.repeat(60), '\n'.repeat(70)) },
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''));

describe('path segment', () => {
  test.each([
    ['clicks', 'clicks'],
    ['orders.v1_eu-west', 'orders.v1_eu-west'],
    ['Grüße 東京 🌋', 'Grüße 東京 🌋'],
    ['', '%'],
    ['.', '%2E'],
    ['..', '%2E.'],
    ['.hidden', '%2Ehidden'],
    ['_SUCCESS', '%5FSUCCESS'],
    ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd'],
    ['a\\b', 'a%5Cb'],
    ['100%', '100%25'],
    ['~', '%7E'],
    ['a\nb\0', 'a%0Ab%00'],
    ['a\u0085\u2028b', 'a%C2%85%E2%80%A8b'],
    ['txt\u202eexe', 'txt%E2%80%AEexe'],
    ['\ud800', '%ED%A0%80'],
    ['\ufffd', '\ufffd'],
  ])('%j becomes %j', (value, segment) => {
    expect(encodePathSegment(value)).toBe(segment);
  });

  test('a text that just fits stays whole, one byte more is cut and named by its CRC-64', () => {
    const fits = 'x'.repeat(SEGMENT_BYTES_MAX);
    expect(encodePathSegment(fits)).toBe(fits);
    expect(encodePathSegment(`${fits}y`)).toMatch(/^x{183}~[0-9a-f]{16}$/);
    expect(encodePathSegment('é'.repeat(101))).toMatch(/^é{91}~[0-9a-f]{16}$/);
    expect(encodePathSegment('\n'.repeat(67))).toMatch(/^(%0A){61}~[0-9a-f]{16}$/);
    expect(encodePathSegment('y'.repeat(41), 40)).toMatch(/^y{23}~[0-9a-f]{16}$/);
  });

  test('over-long texts that begin alike have different names', () => {
    const common = 'x'.repeat(300);
    expect(encodePathSegment(`${common}a`)).not.toBe(encodePathSegment(`${common}b`));
    expect(encodePathSegment(`${common}\ud800`)).not.toBe(encodePathSegment(`${common}\udfff`));
  });

  test('the checksum is over all of the text: UTF-8, and three bytes for each lone surrogate', () => {
    const common = 'x'.repeat(300);
    const checksum = (text: string): string => encodePathSegment(text).split('~')[1] ?? '';
    const bytes = (...last: number[]): Uint8Array => Uint8Array.from([...Buffer.from(common), ...last]);
    expect(checksum(`${common}a\ud800`)).toBe(crc64Plain(bytes(0x61, 0xed, 0xa0, 0x80)));
    expect(checksum(`${common}\udfff\ue000`)).toBe(crc64Plain(bytes(0xed, 0xbf, 0xbf, 0xee, 0x80, 0x80)));
    expect(checksum(`${common}\udc00🌋`)).toBe(crc64Plain(bytes(0xed, 0xb0, 0x80, ...Buffer.from('🌋'))));
    expect(checksum(`${common}a`)).toBe(crc64Plain(bytes(0x61)));
  });

  test('every segment is a safe name of bounded length', () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const segment = encodePathSegment(value);
        expect(segment).toMatch(/^[^._/\\\p{Cc}][^/\\\p{Cc}]*$/u);
        expect(segment.isWellFormed()).toBe(true);
        expect(byteLength(segment)).toBeLessThanOrEqual(SEGMENT_BYTES_MAX);
      }),
      { numRuns: 2000 },
    );
  });

  test('different texts have different segments', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(anyText, (value) => {
        const segment = encodePathSegment(value);
        expect(seen.get(segment) ?? value).toBe(value);
        seen.set(segment, value);
        // What looks like an encoded text is a text like any other.
        expect(encodePathSegment(segment) === segment).toBe(!/[%~]/.test(segment));
      }),
      { numRuns: 2000 },
    );
  });

  test('a whole segment gives its text back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (value) => {
        expect(
          decodeURIComponent(encodePathSegment(value).replaceAll(/[^%0-9A-F]+/g, encodeURIComponent)),
        ).toBe(value);
      }),
      { numRuns: 2000 },
    );
  });
});
