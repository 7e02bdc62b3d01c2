/** What is JSON in UTF-8 and what is not, compared with the platform's own parser and decoder. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonCheck } from '../../../../src/formats/json/check.ts';

const checker = new JsonCheck();
const check = (text: string | Buffer): string | null => {
  const bytes = Buffer.from(text);
  const around = Buffer.concat([Buffer.from('[1,'), bytes, Buffer.from(',"2"]')]);
  return checker.check(around, 3, 3 + bytes.length);
};

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** The reference: whether both the decoder and JSON.parse take it. */
function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(DECODER.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

describe('JSON', () => {
  test.each([
    ['{}', '[]', '""', '0', '-0', '1.5e-7', 'true', 'false', 'null', ' [ ] ', '\t{ "a" : [ 1 , { } ] }\r\n'],
    ['{"__proto__":1,"a":1,"a":2}', '1e999', '123456789012345678901234567890', '"\\u00e4\\"\\/"', '"ä€😀"'],
  ])('such as %s %s %s is taken', (...texts) => {
    for (const text of texts) expect(check(text), text).toBeNull();
  });

  test.each([
    [
      '',
      ' ',
      '{',
      '[',
      '"',
      '"\\',
      '"\\u12',
      '"\\x"',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '[1,]',
      '[,1]',
      '[1 2]',
    ],
    ['NaN', 'Infinity', '-', '+1', '01', '1.', '.5', '1e', 'tru', 'nulls', "'a'", '{a:1}', '1 2', '[1]]'],
    ['"a\nb"', '"\u0000"', '{"a":1}{"b":2}', '\ufeff{}', '[1}', '{"a":1]', '\u00a0{}'],
  ])('such as %s %s %s is not', (...texts) => {
    for (const text of texts) expect(check(text), text).toBe('invalid-json');
  });

  test('is taken as the parser takes it, whatever is changed in it', () => {
    const changed = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom(...Array.from('{}[]",:\\01-.eE+tnu \n\u0001é')), fc.nat(2))
      .map(([text, drawn, char, how]) => {
        const at = text.length === 0 ? 0 : drawn % text.length;
        return text.slice(0, at) + (how === 1 ? '' : char) + text.slice(how === 0 ? at : at + 1);
      });
    fc.assert(
      fc.property(fc.oneof(fc.json(), changed), (text) => {
        const bytes = Buffer.from(text);
        expect(check(bytes) === null, text).toBe(isJson(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  test('holds UTF-8, and nothing that only looks like it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (drawn) => {
        const bytes = Buffer.concat([Buffer.from('"'), drawn.map((byte) => byte | 0x80), Buffer.from('"')]);
        expect(check(bytes)).toBe(isJson(bytes) ? null : 'invalid-utf8');
      }),
      { numRuns: 5_000 },
    );
    const lone = Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]);
    const overlong = Buffer.from([0x22, 0xc0, 0xaf, 0x22]);
    const beyond = Buffer.from([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]);
    const cut = Buffer.from([0x22, 0xe2, 0x82]);
    for (const bytes of [lone, overlong, beyond, cut]) expect(check(bytes)).toBe('invalid-utf8');
  });

  test('may be nested a thousand levels deep, not deeper: no stack grows with it', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(check(nested(1_000))).toBeNull();
    expect(check(nested(1_001))).toBe('too-deep');
    expect(check('{"a":'.repeat(2_000_000))).toBe('too-deep');
  });

  test('with line breaks between its tokens is told apart', () => {
    expect([check('{"a":1}'), checker.hasLineBreaks]).toEqual([null, false]);
    expect([check('{"a":\r1}'), checker.hasLineBreaks]).toEqual([null, true]);
    expect([check('{"a":"\\n"}'), checker.hasLineBreaks]).toEqual([null, false]);
    expect([check('1\n'), checker.hasLineBreaks]).toEqual([null, true]);
  });
});
