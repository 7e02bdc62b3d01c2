import { describe, expect, test } from 'vitest';
import { SourceFailure, type SourceProblem } from '../../../src/sources/failure.ts';
import {
  fromNextOffset,
  isAtNextOffset,
  isCodeOfLoss,
  isSourceAway,
  isSourceGone,
} from '../../../src/partition/sourceFailure.ts';

const affected = { fromOffset: 5n, toOffset: 9n };
const failed = (problem: SourceProblem): SourceFailure =>
  new SourceFailure(problem, 'So it is.', { affected });

describe('a failure of the source', () => {
  test.each([
    ['rangeLost', { keeps: true, away: false, gone: false }],
    ['batchCorrupt', { keeps: true, away: false, gone: false }],
    ['batchTooLarge', { keeps: true, away: false, gone: false }],
    ['beyondEnd', { keeps: true, away: false, gone: false }],
    ['truncated', { keeps: true, away: false, gone: false }],
    ['unavailable', { keeps: false, away: true, gone: false }],
    ['deleted', { keeps: false, away: false, gone: true }],
    ['replaced', { keeps: false, away: false, gone: false }],
    ['refused', { keeps: false, away: false, gone: false }],
    ['topicMissing', { keeps: false, away: false, gone: false }],
    ['unreadable', { keeps: false, away: false, gone: false }],
  ] as const)('%s means %o', (problem, expected) => {
    const error = failed(problem);
    expect({ keeps: isAtNextOffset(error), away: isSourceAway(error), gone: isSourceGone(error) }).toEqual(
      expected,
    );
  });

  test('of a batch is counted from the next offset, and keeps its end', () => {
    expect(fromNextOffset(failed('batchCorrupt'), 3n)).toMatchObject({
      ...{ code: 'SOURCE_BATCH_CORRUPT', affected: { fromOffset: 3n, toOffset: 9n } },
      fields: { fromOffset: 3n, toOffset: 9n },
    });
    const lost = failed('rangeLost');
    expect(fromNextOffset(lost, 3n)).toBe(lost);
  });
});

test.each([
  ['SOURCE_RANGE_LOST', true],
  ['SOURCE_BATCH_CORRUPT', true],
  ['SOURCE_BATCH_TOO_LARGE', true],
  // As earlier versions journaled them.
  ['KAFKA_BATCH_CORRUPT', true],
  ['KAFKA_BATCH_TOO_LARGE', true],
  ['SOURCE_TRUNCATED', false],
  ['SOURCE_REPLACED', false],
  ['STORE_FILE_MISSING', false],
  ['constructor', false],
])('whether offsets are lost in a stop with %s: %s', (code, isLoss) => {
  expect(isCodeOfLoss(code)).toBe(isLoss);
});
