import { describe, expect, test } from 'vitest';
import type { StartOffsets } from '../../../../../src/sources/port.ts';
import { givenOffsets } from '../../../../../src/sources/kafka/log/givenOffsets.ts';

/** Partition 0 holds 300 to 1,199; partition 1 is empty. */
const RANGES = [
  { startOffset: 300n, endOffset: 1_200n },
  { startOffset: 0n, endOffset: 0n },
];
const at = (offsets: StartOffsets) => givenOffsets('clicks', { offsets }, RANGES);
const later = (offsets: StartOffsets) => givenOffsets('clicks', { offsets, unlisted: 'earliest' }, RANGES);

describe('offsets that the job file gives', () => {
  test.each([300n, 1_199n, 1_200n])('may be %s: what the log holds, or its next one', (offset) => {
    expect(at({ clicks: { 0: offset, 1: 0n } })).toEqual([offset, 0n]);
  });

  test.each<[string, StartOffsets, readonly string[]]>([
    [
      'below the log',
      { clicks: { 0: 299n, 1: 0n } },
      ['clicks/0 is to begin at 299, but its log holds 300 up to 1200 (the next one)'],
    ],
    [
      'beyond the log',
      { clicks: { 0: 300n, 1: 1n } },
      ['clicks/1 is to begin at 1, but its log holds 0 up to 0 (the next one)'],
    ],
    [
      'of a partition that is left out',
      { clicks: { 1: 0n } },
      ['clicks/0 has no offset; its log holds 300 up to 1200'],
    ],
    [
      'of a partition that does not exist',
      { clicks: { 0: 300n, 1: 0n, 2: 5n } },
      ['clicks/2 is to begin at 5, but the topic has 2 partitions'],
    ],
    [
      'of another topic only',
      { views: { 0: 0n, 1: 0n } },
      ['clicks/0 has no offset', 'clicks/1 has no offset'],
    ],
  ])('are refused where one is %s: topic, partition and range are named', (_what, offsets, messages) => {
    const refused = expect.objectContaining({ code: 'SOURCE_START_INVALID', retry: 'config' }) as Error;
    expect(() => at(offsets)).toThrow(refused);
    for (const message of messages) expect(() => at(offsets)).toThrow(message);
  });

  test('leave partitions of a later topic out: those begin at their first record', () => {
    expect(later({ clicks: { 1: 0n } })).toEqual([300n, 0n]);
    expect(() => later({ clicks: { 0: 299n } })).toThrow(
      'clicks/0 is to begin at 299, but its log holds 300 up to 1200 (the next one). Nothing of it was read',
    );
  });

  test('of a topic that has the name of a member of every object', () => {
    expect(() => givenOffsets('constructor', { offsets: {} }, RANGES)).toThrow('constructor/0 has no offset');
  });
});
