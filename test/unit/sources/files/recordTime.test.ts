import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseIsoTime, timeReader } from '../../../../src/sources/files/recordTime.ts';

describe('ISO times', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('without a zone are UTC, also on a machine that stands elsewhere', () => {
    vi.stubEnv('TZ', 'America/New_York');
    expect(new Date('2026-01-02T03:04:05').toISOString()).toBe('2026-01-02T08:04:05.000Z');
    expect(parseIsoTime('2026-01-02T03:04:05')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(parseIsoTime('2026-01-02')).toBe(Date.UTC(2026, 0, 2));
  });

  test.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05,678z', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05.000Z'],
    ['2026-01-02T03:04:05-0530', '2026-01-02T08:34:05.000Z'],
    ['2026-01-02 03:04:05 +02', '2026-01-02T01:04:05.000Z'],
    ['2026-01-02T03:04', '2026-01-02T03:04:00.000Z'],
    ['2026-01-02 03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02', '2026-01-02T00:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(parseIsoTime(text) ?? NaN).toISOString()).toBe(expected);
  });

  test.each(['', '2026', 'Jan 2 2026', '2026-13-01', '2026-01-02T25:00', '02.01.2026', '1700000000000'])(
    '%j is none',
    (text) => {
      expect(parseIsoTime(text)).toBeNull();
    },
  );
});

describe('the path of the time', () => {
  const read = (path: string, line: string) => {
    const bytes = Buffer.from(`<<${line}>>`);
    return timeReader(path)(bytes, 2, bytes.length - 2);
  };

  test('leads through objects to a number or a text', () => {
    expect(read('properties.time', '{"properties":{"time":1700000000000}}')).toBe(1_700_000_000_000);
    expect(read('a.b.c', '{"a":{"b":{"c":"1970-01-01T00:00:02Z"}}}')).toBe(2_000);
    expect(read('time', '{"time":1.9}')).toBe(1);
    expect(read('time', '{"time":-1.5}')).toBe(-2);
    expect(read('time', '\ufeff{"time":7}')).toBe(7);
    expect(read('rows.0', '{"rows":[3]}')).toBe(3);
  });

  test.each([
    '',
    '[]',
    'null',
    '1',
    '"text"',
    '{"time":{}}',
    '{"time":true}',
    '{"time":null}',
    '{"time":"soon"}',
    '{',
  ])('%j has none', (line) => {
    expect(read('time', line)).toBeNull();
  });

  test('never leads to what an object inherits', () => {
    expect(read('constructor.length', '{}')).toBeNull();
    expect(read('__proto__.x', '{"y":1}')).toBeNull();
  });
});
