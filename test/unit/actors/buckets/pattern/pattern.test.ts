import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseBucketPattern,
  renderBucketPattern,
  type BucketPattern,
  type BucketTime,
} from '../../../../../actors/buckets/pattern/pattern.ts';

const MOMENT: BucketTime = { year: 2026, month: 2, day: 3, hour: 4, minute: 5, second: 6, millisecond: 7 };

function parsed(text: string): BucketPattern {
  const result = parseBucketPattern(text);
  if (result.type === 'invalid') throw new Error(`${text}: ${result.reason}`);
  return result.pattern;
}

function render(text: string, time: Partial<BucketTime> = {}): string {
  return renderBucketPattern(parsed(text).tokens, { ...MOMENT, ...time });
}

function refusal(text: string): { at: number | null; reason: string } {
  const result = parseBucketPattern(text);
  if (result.type === 'parsed') throw new Error(`${text} was accepted`);
  return result;
}

describe('bucket pattern', () => {
  test.each([
    ['yyyy-MM-dd--HH', '2026-02-03--04', 'hour'],
    ["'dt='yyyy-MM-dd/'hr='HH", 'dt=2026-02-03/hr=04', 'hour'],
    ['yyyy/MM/dd/HH/mm/ss/SSS', '2026/02/03/04/05/06/007', 'millisecond'],
    ["yyyyMMdd'T'HHmm", '20260203T0405', 'minute'],
    ['yyyy', '2026', 'year'],
    ["'it''s 'HH", "it's 04", 'hour'],
    ["HH''mm", "04'05", 'minute'],
    ["'a/b/'HH", 'a/b/04', 'hour'],
    ['HH', '04', 'hour'],
    ["'日付='yyyy", '日付=2026', 'year'],
  ])('%s names the folder %s and lasts a(n) %s', (text, folder, finestUnit) => {
    expect(render(text)).toBe(folder);
    expect(parsed(text)).toMatchObject({ text, finestUnit });
  });

  test('years out of the four digits stay distinct and safe', () => {
    expect(render('yyyy-MM', { year: 12_026 })).toBe('12026-02');
    expect(render('yyyy-MM', { year: 26 })).toBe('0026-02');
    expect(render('yyyy-MM', { year: -26 })).toBe('-0026-02');
  });

  test.each([
    ['yyyy-MM-DD', 9, '"DD" is no unit of time'],
    ['yy-MM', 1, '"yy" is no unit of time'],
    ['yyyyy', 1, '"yyyyy" is no unit of time'],
    ['dt=yyyy', 1, '"d" is no unit of time'],
    ['yyyy-MM-ddTHH', 11, '"T" is no unit of time'],
    ["yyyy'", 5, 'never closed'],
    ["'it''s HH", 1, 'never closed'],
    ['yyyy~MM', 5, '"~" must be in single quotes'],
    ["yyyy'\\'", 6, '"\\" cannot be part'],
    ["yyyy'\u0007'", 6, 'control character U+0007'],
    ['yyyy\nMM', 5, 'control character U+000A'],
  ])('%j is refused at character %d: %s', (text, at, reason) => {
    expect(refusal(text)).toMatchObject({ at, reason: expect.stringContaining(reason) as string });
  });

  test.each([
    ['', 'a folder has no name'],
    ['/yyyy', 'a folder has no name'],
    ['yyyy/', 'a folder has no name'],
    ['yyyy//MM', 'a folder has no name'],
    ["'..'/yyyy", 'begins with "."'],
    ["yyyy/'.'", 'begins with "."'],
    ["'a/../b/'yyyy", 'begins with "."'],
    ['.yyyy', 'begins with "."'],
    ['yyyy/_MM', 'begins with "_"'],
    [`'${'x'.repeat(197)}'yyyy`, 'longer than 200 bytes'],
    ["'all'", 'no unit of time'],
    ['yyyy-mm-dd', 'a year and a minute but no month'],
    ['MM-dd--mm', 'a month and a minute but no hour'],
  ])('%j is refused: %s', (text, reason) => {
    expect(refusal(text)).toMatchObject({ at: null, reason: expect.stringContaining(reason) as string });
  });

  test('whatever is accepted names safe folders only', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'yyyy',
        'MM',
        'dd',
        'HH',
        'mm',
        'ss',
        'SSS',
        '/',
        '-',
        '_',
        '.',
        ' ',
        "''",
        "'",
        "'..'",
        "'/'",
        '\\',
      ),
      fc.string({ maxLength: 4, unit: 'binary' }),
      fc.string({ maxLength: 4 }).map((text) => `'${text.replaceAll("'", "''")}'`),
    );
    const time = fc.record({
      year: fc.integer({ min: -9999, max: 99_999 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 31 }),
      hour: fc.integer({ min: 0, max: 23 }),
      minute: fc.integer({ min: 0, max: 59 }),
      second: fc.integer({ min: 0, max: 59 }),
      millisecond: fc.integer({ min: 0, max: 999 }),
    });
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 7 }), time, (pieces, moment) => {
        const result = parseBucketPattern(pieces.join(''));
        if (result.type === 'invalid') return;
        accepted += 1;
        for (const folder of renderBucketPattern(result.pattern.tokens, moment).split('/')) {
          expect(folder).toMatch(/^[^._/\\\p{Cc}][^/\\\p{Cc}]*$/u);
        }
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
