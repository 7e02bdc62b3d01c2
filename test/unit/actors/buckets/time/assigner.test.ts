import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeBuckets, UNKNOWN_TIME_BUCKET } from '../../../../../actors/buckets/time/assigner.ts';
import { noBuckets } from '../../../../../actors/buckets/none/rule.ts';
import { timeSlots } from '../../../../../actors/buckets/time/slots.ts';
import { recordAt, timePattern } from '../ownBuckets.ts';

const HOURLY = 'yyyy-MM-dd--HH';
const TO_THE_MILLISECOND = 'yyyy/MM/dd/HH/mm/ss/SSS';
const TIME_MS_MAX = 8.64e15;
/** As Kafka says that there is none. */
const NO_TIME_MS = -1;

/** The bucket of a moment, by way of its slot, as the router asks for it. */
function bucketAt(text: string, zone: string, time: string | number): string {
  const assigner = timeBuckets('record-time', timePattern(text), zone);
  const timeMs = typeof time === 'number' ? time : Date.parse(time);
  return assigner.bucketOf(assigner.slotOf(recordAt(timeMs), NaN));
}

describe('by time', () => {
  it('record time and wall clock differ in whose time is asked for, in nothing else', () => {
    const byRecord = timeBuckets('record-time', timePattern(HOURLY), 'UTC');
    const byClock = timeBuckets('wall-clock', timePattern(HOURLY), 'UTC');
    const slot = byRecord.slotOf(recordAt(1_767_323_045_006), 0);
    expect(byRecord.bucketOf(slot)).toBe('2026-01-02--03');
    expect(byClock.slotOf(recordAt(0), 1_767_323_045_006)).toBe(slot);
    expect(byClock.bucketOf(slot)).toBe('2026-01-02--03');
    expect([byRecord.looksAtRecords, byClock.looksAtRecords]).toEqual([true, false]);
    expect([true, false].map((own) => byRecord.isKnownAgain(own))).toEqual([true, false]);
    expect(byClock.isKnownAgain(true)).toBe(false);
  });

  it.each([
    [HOURLY, '2026-01-02--03'],
    ["'dt='yyyy-MM-dd/'hr='HH", 'dt=2026-01-02/hr=03'],
    ['yyyy', '2026'],
    [TO_THE_MILLISECOND, '2026/01/02/03/04/05/006'],
  ])('%s', (text, bucket) => {
    expect(bucketAt(text, 'UTC', '2026-01-02T03:04:05.006Z')).toBe(bucket);
  });

  it('a bucket begins with its first millisecond and ends before that of the next', () => {
    expect(bucketAt(HOURLY, 'UTC', '2026-01-02T03:00:00.000Z')).toBe('2026-01-02--03');
    expect(bucketAt(HOURLY, 'UTC', '2026-01-02T03:59:59.999Z')).toBe('2026-01-02--03');
    expect(bucketAt(HOURLY, 'UTC', '2026-01-02T04:00:00.000Z')).toBe('2026-01-02--04');
  });
});

describe('time zones', () => {
  it('a day in another zone is not the day in UTC', () => {
    expect(bucketAt('yyyy-MM-dd', 'Asia/Shanghai', '2026-01-02T16:00:00Z')).toBe('2026-01-03');
    expect(bucketAt('yyyy-MM-dd', 'America/Los_Angeles', '2026-01-02T07:59:59.999Z')).toBe('2026-01-01');
  });
  it('spring forward: the hour that the clocks leave out has no bucket', () => {
    expect(bucketAt(HOURLY, 'Europe/Berlin', '2026-03-29T00:59:59.999Z')).toBe('2026-03-29--01');
    expect(bucketAt(HOURLY, 'Europe/Berlin', '2026-03-29T01:00:00.000Z')).toBe('2026-03-29--03');
  });
  it('fall back: the hour that the clocks repeat is one bucket', () => {
    expect(bucketAt(HOURLY, 'Europe/Berlin', '2026-10-25T00:30:00Z')).toBe('2026-10-25--02');
    expect(bucketAt(HOURLY, 'Europe/Berlin', '2026-10-25T01:30:00Z')).toBe('2026-10-25--02');
    expect(bucketAt(HOURLY, 'Europe/Berlin', '2026-10-25T02:00:00Z')).toBe('2026-10-25--03');
  });
  it('half-hour, quarter-hour and half-hour-summer-time zones', () => {
    expect(bucketAt(HOURLY, 'Asia/Kolkata', '2026-01-02T18:29:59.999Z')).toBe('2026-01-02--23');
    expect(bucketAt(HOURLY, 'Asia/Kolkata', '2026-01-02T18:30:00.000Z')).toBe('2026-01-03--00');
    expect(bucketAt(HOURLY, 'Asia/Kathmandu', '2026-01-02T18:15:00.000Z')).toBe('2026-01-03--00');
    expect(bucketAt(HOURLY, 'Australia/Lord_Howe', '2026-04-04T15:00:00Z')).toBe('2026-04-05--01');
    expect(bucketAt(HOURLY, 'Australia/Lord_Howe', '2026-04-04T15:30:00Z')).toBe('2026-04-05--02');
  });
  it('zones that were offset by odd seconds long ago', () => {
    // Liberia was 44 minutes 30 seconds behind until 1972, Berlin 53 minutes 28 seconds ahead until 1893.
    expect(bucketAt(HOURLY, 'Africa/Monrovia', '1971-06-01T00:44:29Z')).toBe('1971-05-31--23');
    expect(bucketAt(HOURLY, 'Africa/Monrovia', '1971-06-01T00:44:30Z')).toBe('1971-06-01--00');
    expect(bucketAt(HOURLY, 'Africa/Monrovia', '1972-06-01T00:00:00Z')).toBe('1972-06-01--00');
    expect(bucketAt('yyyy-MM-dd', 'Europe/Berlin', '1890-01-01T23:06:31Z')).toBe('1890-01-01');
    expect(bucketAt('yyyy-MM-dd', 'Europe/Berlin', '1890-01-01T23:06:32Z')).toBe('1890-01-02');
  });
});

describe('slots', () => {
  const zones = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Africa/Monrovia'];
  const anyTime = fc
    .oneof(
      fc.integer({ min: -TIME_MS_MAX, max: TIME_MS_MAX }),
      fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2100, 0) }),
      fc.integer({ min: Date.UTC(1972, 3, 30), max: Date.UTC(1972, 4, 2) }),
      fc.constantFrom(-TIME_MS_MAX, TIME_MS_MAX, -2, 0, 1),
    )
    .filter((timeMs) => timeMs !== NO_TIME_MS);
  const anyPattern = fc.constantFrom(HOURLY, 'yyyy', 'yyyy-MM-dd', 'yyyy/MM/dd/HH/mm', TO_THE_MILLISECOND);

  it('a moment falls into the bucket of its own time, as if there were no slots', () => {
    fc.assert(
      fc.property(anyTime, fc.constantFrom(...zones), (timeMs, zone) => {
        const bucket = bucketAt('yyyy/MM/dd/HH', zone, timeMs);
        const moment = bucketAt('yyyy/MM/dd/HH/mm/ss/SSS', zone, timeMs);
        // At the calendar's very ends a zone's local time may be out of it.
        if (Math.abs(timeMs) > TIME_MS_MAX - 86_400_000) return;
        expect(moment.startsWith(`${bucket}/`)).toBe(true);
      }),
      { seed: 2, numRuns: 500 },
    );
  });
  it('are whole numbers that grow with time: two moments of one slot enclose only its moments', () => {
    fc.assert(
      fc.property(anyPattern, anyTime, anyTime, (text, one, other) => {
        const { slotOf } = timeSlots(timePattern(text).finestUnit, 'UTC');
        expect(Number.isSafeInteger(slotOf(one))).toBe(true);
        expect(slotOf(Math.min(one, other))).toBeLessThanOrEqual(slotOf(Math.max(one, other)));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
  it('one slot lasts a minute where the pattern names no seconds, so that hours have few of them', () => {
    const { slotOf } = timeSlots('hour', 'Asia/Kolkata');
    const start = Date.UTC(2026, 0, 2, 3);
    expect(slotOf(start + 3_599_999) - slotOf(start)).toBe(59);
  });
});

describe('times that are none', () => {
  it.each([
    NaN,
    NO_TIME_MS,
    Infinity,
    -Infinity,
    TIME_MS_MAX + 1,
    -TIME_MS_MAX - 1,
    Number.MIN_SAFE_INTEGER,
    2 ** 63,
  ])('%s falls into a bucket of its own', (timeMs) => {
    for (const text of [HOURLY, 'yyyy', TO_THE_MILLISECOND]) {
      expect(bucketAt(text, 'Europe/Berlin', timeMs)).toBe(UNKNOWN_TIME_BUCKET);
    }
  });
  it('the ends of the calendar, and years before 1, are times', () => {
    expect(bucketAt('yyyy-MM-dd', 'UTC', TIME_MS_MAX)).toBe('275760-09-13');
    expect(bucketAt('yyyy-MM-dd', 'UTC', -TIME_MS_MAX)).toBe('-271821-04-20');
    expect(bucketAt('yyyy-MM-dd', 'UTC', Date.UTC(-1, 0, 1))).toBe('-0001-01-01');
    expect(bucketAt(HOURLY, 'UTC', -2)).toBe('1969-12-31--23');
    expect(bucketAt(TO_THE_MILLISECOND, 'UTC', -2)).toContain('1969');
    expect(bucketAt(HOURLY, 'UTC', 0)).toBe('1970-01-01--00');
  });
});

describe('none', () => {
  it("puts everything into the sink's own folder, whatever the time", () => {
    const assigner = noBuckets();
    for (const timeMs of [0, NaN, -1])
      expect(assigner.bucketOf(assigner.slotOf(recordAt(timeMs), timeMs))).toBe('');
  });
});
