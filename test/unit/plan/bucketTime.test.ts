import { expect, test } from 'vitest';
import { bucketRuleOf, JOB_KINDS } from '../../../src/app/registeredKinds.ts';
import { bucketTimeOf } from '../../../src/plan/bucketTime.ts';
import { jobFolder } from '../app/jobFiles.ts';

const VALUE = Buffer.from('{"country":"NZ","at":1772611445678}');
const RECORD = {
  ...{ timestampMs: Date.parse('2026-03-04T08:04:05.678Z'), keyBytes: VALUE, keyStart: -1, keyEnd: 0 },
  ...{ valueBytes: VALUE, valueStart: 0, valueEnd: VALUE.length, headersStart: -1, headersEnd: -1 },
};
const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];

test.each<[string, number | null]>([
  ['{ by: none }', null],
  ["{ by: record-time, pattern: 'yyyyMMdd-HHmm' }", MINUTE_MS],
  ["{ by: record-time, pattern: 'yyyy/MM/dd/HH' }", HOUR_MS],
  ["{ by: wall-clock, pattern: 'HH' }", HOUR_MS],
  ['{ by: record-time, pattern: yyyy-MM-dd, timezone: Asia/Kathmandu }', DAY_MS],
  ['{ by: record-time, pattern: yyyy-MM }', 30 * DAY_MS],
  ['{ by: record-time, pattern: "\'c=\'{value.country}" }', null],
  // Its time is in the value, and does not pass.
  ['{ by: field, field: at, unit: ms, pattern: "yyyy/\'c=\'{value.country}" }', null],
])('of %s', (bucket, expected) => {
  const folder = jobFolder();
  folder.write(
    'job.yaml',
    `job: clicks\nsource: { file: { path: data } }\nsink: { path: out }\nbucket: ${bucket}\n`,
  );
  const config = folder.load('job.yaml').bucket;
  const assigner = bucketRuleOf(JOB_KINDS, config).assigner(config, { topic: 'clicks', partition: 0 });
  expect(bucketTimeOf(assigner, RECORD)).toBe(expected);
});
