import { expect, test } from 'vitest';
import { rateOf, type RateFacts } from '../../../src/plan/rates.ts';

const SAMPLE: RateFacts = {
  records: 1_001,
  offsets: 1_001n,
  firstMs: 50_000,
  lastMs: 60_000,
  offsetsOfHour: null,
};

test.each<[string, Partial<RateFacts>, object]>([
  [
    'the times of the sample',
    {},
    { type: 'known', recordsPerSecond: 100, windowMs: 10_000, basis: 'sample' },
  ],
  [
    'the offsets of the last hour, if the log reaches back so far',
    { offsetsOfHour: 36_036n },
    { type: 'known', recordsPerSecond: 10.01, windowMs: 3_600_000, basis: 'lastHour' },
  ],
  [
    'those offsets less the holes that the sample has',
    { offsetsOfHour: 72_000n, offsets: 2_002n },
    { type: 'known', recordsPerSecond: 10, windowMs: 3_600_000, basis: 'lastHour' },
  ],
  [
    'the sample, if the last hour had no record',
    { offsetsOfHour: 0n },
    { type: 'known', recordsPerSecond: 100, windowMs: 10_000, basis: 'sample' },
  ],
  [
    'nothing, if all times are equal',
    { firstMs: 60_000 },
    { type: 'unknown', why: 'the sampled records all have the same time' },
  ],
  ['nothing, from one record', { records: 1 }, { type: 'unknown', why: 'one record shows no rate' }],
  ['nothing, from none', { records: 0, firstMs: null, lastMs: null }, { type: 'none' }],
])('a rate is told by %s', (_what, facts, expected) => {
  expect(rateOf({ ...SAMPLE, ...facts })).toEqual(expected);
});
