/** Folders named after what is in a record, with the real command. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { expectCode, TestJob } from './testJob.ts';
import { cleanAudit } from './auditing.ts';

const COUNTRIES = ['DE', 'F/R', null];
const LINES = Array.from({ length: 300 }, (_, n) => {
  const at = n === 0 ? 'never' : new Date(Date.UTC(2026, 0, 1 + (n % 2), 12)).toISOString();
  return `{ "n": ${n}, "at": "${at}", "country": ${JSON.stringify(COUNTRIES[n % 3])} }`;
});

function jobBy(
  bucket: Readonly<Record<string, unknown>>,
  lines = LINES,
  sections: Readonly<Record<string, unknown>> = {},
): TestJob {
  const job = new TestJob({
    brokers: [],
    topic: 'fields',
    sections: { source: { file: { path: 'lines.txt' } }, bucket, ...sections },
  });
  writeFileSync(path.join(job.folder, 'lines.txt'), lines.map((line) => `${line}\n`).join(''));
  return job;
}

/** The committed lines by folder. */
function folders(job: TestJob): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [file, lines] of job.committed()) {
    const folder = path.dirname(file);
    found.set(folder, [...(found.get(folder) ?? []), ...lines]);
  }
  return found;
}

test('by a time and a field: the original lines, in folders that engines read as partitions', async () => {
  const job = jobBy({
    ...{ by: 'field', field: 'at', unit: 'iso' },
    ...{ pattern: "'dt='yyyy-MM-dd/'country='{value.country}", fallback: '__HIVE_DEFAULT_PARTITION__' },
  });
  await job.finish();
  const expected = new Map<string, string[]>();
  for (const [n, line] of LINES.entries()) {
    const country = ['DE', 'F%2FR', '__HIVE_DEFAULT_PARTITION__'][n % 3] ?? '';
    const folder = n === 0 ? 'unknown-time' : `dt=2026-01-0${1 + (n % 2)}/country=${country}`;
    expected.set(folder, [...(expected.get(folder) ?? []), line]);
  }
  expect(folders(job)).toEqual(expected);
  // Of a file too: the time is in the record, so each bucket is known again.
  const { deep } = await cleanAudit({ file: job.file }, '--deep');
  expect(deep?.[0]).toMatchObject({ records: LINES.length, comparedBy: 'order' });
});

test('more values than files may be open: each record once, and few files at a time', async () => {
  const lines = Array.from({ length: 600 }, (_, n) => `{"n":${n},"who":"user ${(n * 7) % 100}"}`);
  const job = jobBy({ pattern: '{value.who}', maxOpen: 8 }, lines);
  await job.finish();
  const found = folders(job);
  expect(found.size).toBe(100);
  expect([...found.values()].flat().toSorted()).toEqual(lines.toSorted());
  expect(found.get('user 7')?.every((line) => line.includes('"user 7"'))).toBe(true);
});

test.each([
  [
    { by: 'field' },
    'bucket.field: is missing with bucket.by: field; expected the path of a field, like event.time',
  ],
  [{ by: 'field', field: 'at', pattern: '{key}' }, 'bucket.pattern: holds no unit of time'],
  [{ by: 'field', field: 'a..b' }, 'bucket.field: "a..b" is not allowed'],
  [{ field: 'at' }, 'bucket.field: is only for bucket.by: field'],
  [{ pattern: '{country}' }, '{country} is no part of a record; expected {value.FIELD}, {key}'],
  [{ pattern: '{value.a' }, 'wrong at character 1: this "{" is never closed'],
  [{ fallback: 'a/b' }, 'bucket.fallback: holds a separator of folders'],
  [{ maxOpen: 0 }, 'bucket.maxOpen: is less than 1'],
  [{ by: 'none', field: 'at' }, 'bucket.field: is only for bucket.by: field'],
  [
    { pattern: { key: null } },
    'is a map; expected a pattern like yyyy-MM-dd--HH, in quotes if it begins with {',
  ],
  [{ pattern: '{value.a}/'.repeat(20) + 'yyyy' }, 'the path may become longer than 600 bytes'],
] as const)('%j is refused: %s', async (bucket, message) => {
  const end = await jobBy(bucket).command('validate');
  expectCode(end, 2);
  expect(end.stderr).toContain(message);
});

test('drawn folders do not go with parts of records', async () => {
  const sink = { path: 'lake/_entropy_', entropy: { key: '_entropy_', length: 4 } };
  const job = jobBy({ pattern: '{value.who}' }, LINES, { sink });
  const end = await job.command('validate');
  expectCode(end, 2);
  expect(end.stderr).toContain('sink.entropy: is not for a bucket.pattern with parts of records');
  const literal = jobBy({ pattern: "'{value.who}'yyyy" }, LINES, { sink });
  expectCode(await literal.command('validate'), 0);
});
