import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordBucketAssigner } from '../../../../../actors/buckets/parts/assigner.ts';
import type { FieldTimeConfig } from '../../../../../actors/buckets/parts/fieldTime.ts';
import { JsonField } from '../../../../../actors/buckets/parts/jsonField.ts';
import { PART_READ_BYTES_MAX } from '../../../../../actors/buckets/parts/partReader.ts';
import type { BucketRecord } from '../../../../../actors/buckets/rule.ts';
import { patternBuckets } from '../../../../../actors/buckets/pattern/rule.ts';
import { patternOf, recordAt } from '../ownBuckets.ts';

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const MANY = 200_000;
const PARTITION = { topic: 'click/s', partition: 7 };

interface Rule {
  readonly by?: 'record-time' | 'wall-clock' | 'field';
  readonly field?: FieldTimeConfig;
  readonly timezone?: string;
}

function bucketsBy(pattern: string, { by = 'record-time', field, timezone = 'UTC' }: Rule = {}) {
  const rule = { by, pattern: patternOf(pattern), timezone, field, fallback: 'unknown' };
  return patternBuckets(rule, PARTITION);
}

function bucketOf(pattern: string, record: BucketRecord, rule: Rule = {}): string {
  const assigner = bucketsBy(pattern, rule);
  return assigner.bucketOf(assigner.slotOf(record, Date.UTC(2027, 0)));
}

const bucketOfValue = (pattern: string, value: string): string => bucketOf(pattern, recordAt(AT_MS, value));

/** A varint of a number below 64, zigzag. */
const small = (value: number): number => value * 2;

/** Headers as in a record batch. */
function headers(...all: readonly (readonly [name: string, value: string | null])[]): Buffer {
  const parts = all.flatMap(([name, value]) => [
    Buffer.from([small(Buffer.byteLength(name))]),
    Buffer.from(name),
    value === null ? Buffer.from([1]) : Buffer.from([small(Buffer.byteLength(value))]),
    Buffer.from(value ?? ''),
  ]);
  return Buffer.concat([Buffer.from([small(all.length)]), ...parts]);
}

describe('folders by parts of a record', () => {
  it.each([
    ["'dt='yyyy-MM-dd/'c='{value.country}", '{"country":"DE"}', 'dt=2026-01-02/c=DE'],
    ['{value.a.b}', '{"a":{"b":"x"}}', 'x'],
    ['{value.n}', ' { "m" : [ "{" , {} ] , "n" : 12.50 , "o" : null } ', '12.50'],
    ['{value.n}', '{"n":true}', 'true'],
    ['{value.n}', '{"n":1,"n":"last"}', 'last'],
    ['{value.n}', '{"\\u006e":"escaped name"}', 'escaped name'],
    ['{value.n}', '{"n":"\\u00fc\\n"}', 'ü%0A'],
    ['{value.__proto__}', '{"__proto__":"p"}', 'p'],
    ['{value.n}', '{"n":"../../etc"}', '%2E.%2F..%2Fetc'],
    ['{value.n}', '{"n":"_x"}', '%5Fx'],
    ["'n='{value.n}", '{"n":"_x"}', 'n=%5Fx'],
    ["'it is {not a part} '{value.n}", '{"n":1}', 'it is {not a part} 1'],
    ['{topic}/{partition}/yyyy', '{}', 'click%2Fs/7/2026'],
    ['{topic}', '{}', 'click%2Fs'],
  ])('%s of %s', (pattern, value, bucket) => {
    expect(bucketOfValue(pattern, value)).toBe(bucket);
  });

  it.each([
    '{}',
    '{"n":null}',
    '{"n":""}',
    '{"n":{}}',
    '{"n":[1]}',
    '{"n":1,"n":null}',
    '"n"',
    '[{"n":1}]',
    '{"n"',
    '{"n":"x',
    '{"n":1',
    '{n:1}',
    '',
    '{"n":"\\q"}',
    `{"n":"${'x'.repeat(PART_READ_BYTES_MAX + 1)}"}`,
    `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
  ])('a record without the part goes to the fallback: %.20s', (value) => {
    expect(bucketOfValue("'dt='yyyy/'n='{value.n}", value)).toBe('dt=2026/n=unknown');
    expect(bucketOf('{value.n}', recordAt(AT_MS))).toBe('unknown');
  });

  it('a name that would be too long is cut and made distinct', () => {
    const [one, other] = ['x', 'y'].map((end) =>
      bucketOfValue('{value.n}', `{"n":"${'a'.repeat(500)}${end}"}`),
    );
    expect(one?.length).toBeLessThanOrEqual(200);
    expect(one).not.toBe(other);
    const two = bucketOfValue("{value.n}'-'{value.n}", `{"n":"${'a'.repeat(500)}"}`);
    expect(two.length).toBeLessThanOrEqual(200);
    const path = bucketOfValue('{value.n}/'.repeat(6) + 'yyyy', `{"n":"${'a'.repeat(500)}"}`);
    expect(path.length).toBeLessThanOrEqual(600);
  });

  it('keys and headers, the last one of a name', () => {
    const keyBytes = Buffer.from('a key');
    const headersBytes = headers(['h', 'first'], ['g', 'other'], ['h', 'last'], ['null', null]);
    const record = {
      ...recordAt(AT_MS, '{}'),
      ...{ keyBytes, keyStart: 2, keyEnd: 5 },
      ...{ headersBytes, headersStart: 0, headersEnd: headersBytes.length },
    };
    expect(bucketOf('{key}', record)).toBe('key');
    expect(bucketOf('{header.h}/{header.none}/{header.null}', record)).toBe('last/unknown/unknown');
    expect(bucketOf('{key}', recordAt(AT_MS, '{}'))).toBe('unknown');
  });

  it('a byte order mark is text', () => {
    expect(bucketOfValue('{value.n}', '{"n":"\ufeffa"}')).toBe('\ufeffa');
    expect(bucketOfValue('{value.n}', '{"\ufeff\\u006e":"another name"}')).toBe('unknown');
  });

  it('bytes that are no UTF-8 become text all the same', () => {
    const keyBytes = Buffer.from([0xff, 0x61]);
    expect(bucketOf('{key}', { ...recordAt(AT_MS), keyBytes, keyStart: 0, keyEnd: 2 })).toBe('\ufffda');
  });
});

describe('the time of a field', () => {
  const at = (unit: FieldTimeConfig['unit'], value: string, pattern = 'yyyy-MM-dd--HH-mm-ss-SSS'): string =>
    bucketOf(pattern, recordAt(0, `{"event":{"time":${value}}}`), {
      ...{ by: 'field', field: { path: ['event', 'time'], unit } },
    });

  it.each([
    ['ms', '1767323045006'],
    ['ms', '"1767323045006"'],
    ['ms', '1.767323045006e12'],
    ['ms', '1767323045006.9'],
    ['s', '1767323045.0061'],
    ['iso', '"2026-01-02T03:04:05.0069Z"'],
    ['iso', '"2026-01-02T03:04:05.006"'],
    ['iso', '"2026-01-02 04:04:05.006+01:00"'],
    ['iso', '"2026-01-02T04:04:05.006\\u002b01:00"'],
    ['ms', '"\\u0031767323045006"'],
  ] as const)('%s %s', (unit, value) => {
    expect(at(unit, value)).toBe('2026-01-02--03-04-05-006');
  });

  it('a time that Kafka would take for none is one', () => {
    expect(at('ms', '-1')).toBe('1969-12-31--23-59-59-999');
    expect(at('iso', '"1969-12-31T23:59:59.999Z"')).toBe('1969-12-31--23-59-59-999');
    expect(bucketOf("yyyy/'n='{value.n}", recordAt(-1, '{"n":1}'))).toBe('unknown-time');
  });

  it('a date is its midnight in UTC', () => {
    expect(at('iso', '"2026-01-02"')).toBe('2026-01-02--00-00-00-000');
  });

  it.each([
    ['ms', 'null'],
    ['ms', '"soon"'],
    ['ms', '1e400'],
    ['ms', '99999999999999999999'],
    ['iso', '1767323045006'],
    ['iso', '"2026-02-30T00:00:00Z"'],
    ['s', '{}'],
  ] as const)('%s %s is no time', (unit, value) => {
    expect(at(unit, value)).toBe('unknown-time');
    expect(at(unit, value, "yyyy/'v='{value.event.time}")).toBe('unknown-time');
  });
});

describe('what the router asks', () => {
  it('a pattern with nothing but the topic needs no look at records, and the kernel copies', () => {
    for (const pattern of ['{topic}/yyyy', '{topic}/{partition}']) {
      const { routes } = bucketsBy(pattern, { by: 'wall-clock' });
      expect(routes).not.toBeNull();
    }
    expect(bucketsBy('{topic}').looksAtRecords).toBe(false);
    expect(bucketsBy('{value.n}')).toMatchObject({ looksAtRecords: true, routes: null });
  });

  it('a bucket is known again unless a time decides that is not in the record', () => {
    const field = { path: ['t'], unit: 'ms' } as const;
    expect(bucketsBy('yyyy', { by: 'field', field }).isKnownAgain(false)).toBe(true);
    expect(bucketsBy('{value.n}', { by: 'wall-clock' }).isKnownAgain(false)).toBe(true);
    expect(bucketsBy('yyyy/{value.n}', { by: 'wall-clock' }).isKnownAgain(true)).toBe(false);
    expect(bucketsBy('yyyy/{value.n}').isKnownAgain(false)).toBe(false);
  });

  it('many values leave little behind, and those in use stay', () => {
    const assigner = bucketsBy('{value.n}');
    if (!(assigner instanceof RecordBucketAssigner)) throw new Error('another assigner');
    const record = (n: number): BucketRecord => recordAt(AT_MS, `{"n":${n}}`);
    let kept = NaN;
    assigner.keep((slot) => slot === kept);
    kept = assigner.slotOf(record(0), 0);
    for (let n = 1; n <= MANY; n += 1) {
      assigner.slotOf(record(n), 0);
    }
    expect(assigner.slotOf(record(0), 0)).toBe(kept);
    expect(assigner.bucketOf(kept)).toBe('0');
    expect(assigner.memoryBytes).toBeLessThan(2 * 1024 * 1024);
    const again = assigner.slotOf(record(1), 0);
    expect(again).toBeGreaterThanOrEqual(MANY);
    expect(assigner.bucketOf(again)).toBe('1');
  });
});

describe('a field of JSON', () => {
  // No name with a backslash: after one, JSON.parse of Node 24 reads the name "\\\"" as a backslash, too.
  const names = fc.constantFrom('a', 'b', 'ü', '"', '__proto__');
  const json = fc.json({ depthSize: 'small' });
  const objects = fc.oneof(
    json,
    fc
      .array(fc.tuple(names, fc.oneof(json, fc.constant('{"b":1}'), fc.constant('{"b":"\\u0041","a":[]}'))))
      .map((fields) => `{${fields.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(' , ')}}`),
  );

  it('is what JSON.parse finds there', () => {
    const path = fc.array(names, { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(objects, path, (text, steps) => {
        const bytes = Buffer.from(text);
        const field = new JsonField(steps);
        let parsed: unknown = JSON.parse(text);
        for (const step of steps) {
          const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
          parsed = isObject ? Object.getOwnPropertyDescriptor(parsed, step)?.value : undefined;
        }
        const isFound = field.find(bytes, 0, bytes.length);
        expect(isFound).toBe(['string', 'number', 'boolean'].includes(typeof parsed));
        if (!isFound) return;
        const found = bytes.toString('utf8', field.start, field.end);
        expect(JSON.parse(field.type === 'text' ? `"${found}"` : found)).toEqual(parsed);
      }),
      { seed: 1, numRuns: 3_000 },
    );
  });

  it('is looked for in any bytes without a crash, and never beyond them', () => {
    const part = fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'a', '1', ' ', 'null');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const bytes = Buffer.from(`{"a":${parts.join('')}`);
        const field = new JsonField(['a']);
        if (field.find(bytes, 0, bytes.length)) expect(field.end).toBeLessThanOrEqual(bytes.length);
      }),
      { seed: 1, numRuns: 3_000 },
    );
  });
});
