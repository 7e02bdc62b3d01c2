import { expect, test } from 'vitest';
import { expectedFiles, type ExpectedFiles, type FilesFacts } from '../../../src/plan/expectedFiles.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** One stream of 1,000 records a second, 1 KiB each: 3.4 GiB an hour. */
const BUSY: FilesFacts = {
  streams: [1_000],
  recordBytes: 1024,
  overheadBytes: 0,
  limits: { bytes: 128 * MIB, records: Infinity, ageMs: HOUR_MS, idleMs: 60_000 },
  bucketMs: null,
};
const limits = (changed: Partial<FilesFacts['limits']>) => ({ limits: { ...BUSY.limits, ...changed } });

test.each<[string, Partial<FilesFacts>, Partial<ExpectedFiles>]>([
  [
    'the size',
    {},
    { endedBy: 'size', medianRecords: 131_072, medianBytes: 128 * MIB, open: 1, isSmall: false },
  ],
  [
    'the number of records',
    limits({ records: 36_000 }),
    { endedBy: 'records', perHour: 100, medianRecords: 36_000, openMs: 36_000, isSmall: false },
  ],
  [
    'age, which the first record begins',
    { streams: [1], ...limits({ ageMs: 599_000 }) },
    { endedBy: 'age', perHour: 6, medianRecords: 600, medianBytes: 600 * 1024, isSmall: true },
  ],
  [
    'idleness: each record has a file of its own',
    { streams: [1 / 120] },
    { endedBy: 'idle', perHour: 30, medianRecords: 1, openMs: 60_000, isSmall: true },
  ],
  [
    "the end of the folder's time",
    { streams: [10], bucketMs: 60_000 },
    { endedBy: 'bucket', perHour: 60, medianRecords: 600, openMs: 60_000 },
  ],
  [
    "the folder's time, which cuts the last of three files short",
    { streams: [10], bucketMs: HOUR_MS, ...limits({ ageMs: 1_499_900 }) },
    { endedBy: 'age', perHour: 3, medianRecords: 12_000 },
  ],
  [
    'the size, which is reached by the overhead of a file and its records',
    { overheadBytes: 64 * MIB },
    { endedBy: 'size', medianRecords: 65_536, medianBytes: 128 * MIB },
  ],
  [
    'a record larger than the limit: a file each',
    { recordBytes: 200 * MIB, streams: [1] },
    { endedBy: 'size', perHour: 3_600, medianRecords: 1, medianBytes: 200 * MIB },
  ],
])('files are ended by %s', (_what, facts, expected) => {
  expect(expectedFiles({ ...BUSY, ...facts })).toMatchObject(expected);
});

test('half of all files are at most as large as the median one', () => {
  const found = expectedFiles({ ...BUSY, streams: [100, 1, 1, 1], ...limits({ ageMs: 600_000 }) });
  // The busy stream makes as many files as each of the others.
  expect(found).toMatchObject({ open: 4, endedBy: 'age', medianRecords: 601, isSmall: true });
});

test('small is what is below a tenth of roll.maxBytes, or below 1 MiB', () => {
  const sized = (bytes: number, maxBytes: number) =>
    expectedFiles({ ...BUSY, ...limits({ bytes: maxBytes, records: bytes / 1024 }) })?.isSmall;
  expect([sized(12 * MIB, 128 * MIB), sized(13 * MIB, 128 * MIB)]).toEqual([true, false]);
  expect([sized(MIB - 1024, 4 * MIB), sized(MIB, 4 * MIB)]).toEqual([true, false]);
});

test('it tells when a file would be full', () => {
  expect(expectedFiles({ ...BUSY, streams: [1] })?.fullAfterMs).toBe(131_072_000);
});

test('without records there are no files', () => {
  expect(expectedFiles({ ...BUSY, streams: [] })).toBe(null);
  expect(expectedFiles({ ...BUSY, streams: [0, 0] })).toBe(null);
});
