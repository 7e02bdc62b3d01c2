import { expect, test } from 'vitest';
import { TidemarkError } from '../../../journal/errors.ts';
import { inCurrentCodes, stopFactsOf } from '../../../src/partition/stopFacts.ts';
import { SourceFailure } from '../../../src/sources/failure.ts';

test('a stop names what the error affects, and its fields only tell it', () => {
  const truncation = { divergedAt: 4n, leaderEpoch: null };
  const error = new SourceFailure('truncated', 'It went back.', {
    ...{ fields: { partition: 'clicks/0' }, affected: { truncation } },
  });
  expect(stopFactsOf(error)).toEqual({
    ...{ code: 'SOURCE_TRUNCATED', message: 'It went back.' },
    ...{ fromOffset: null, toOffset: null, files: [], truncation },
  });
  expect(error.fields).toEqual({ partition: 'clicks/0', divergedAt: 4n, leaderEpoch: null });
  const told = new TidemarkError('INTERNAL', 'No range.', { fields: { fromOffset: 3n, files: ['a'] } });
  expect(stopFactsOf(told)).toMatchObject({ fromOffset: null, files: [] });
});

test.each([
  ['KAFKA_BATCH_CORRUPT', 'SOURCE_BATCH_CORRUPT'],
  ['SOURCE_RANGE_LOST', 'SOURCE_RANGE_LOST'],
  ['OF_A_LATER_VERSION', 'OF_A_LATER_VERSION'],
  ['constructor', 'constructor'],
])('a journaled stop for %s is told as %s', (journaled, told) => {
  expect(inCurrentCodes({ code: journaled, message: 'x' })).toEqual({ code: told, message: 'x' });
});
