/** Which records that are read again are written again. */
import { describe, expect, it } from 'vitest';
import type { BucketAssigner } from '../../../actors/buckets/rule.ts';
import type { RepairFacts } from '../../../actors/repair.ts';
import { UNKNOWN_EPOCHS } from '../../../actors/readEpochs.ts';
import { BAD_BUCKET } from '../../../src/formats/bad/badLine.ts';
import { TextLine } from '../../../src/formats/text/line.ts';
import { Rereading, type RereadingOptions } from '../../../src/writing/rereading.ts';
import { recordOf } from '../formats/record.ts';

const missing = [
  { bucket: 'a', firstOffset: 10n, lastOffset: 20n },
  { bucket: 'a', firstOffset: 40n, lastOffset: 50n },
  { bucket: 'b', firstOffset: 22n, lastOffset: 22n },
  { bucket: BAD_BUCKET, firstOffset: 30n, lastOffset: 33n },
];
const REPAIR: RepairFacts = {
  ...{ untilOffset: 100n, placing: 'as-ever', missing, read: UNKNOWN_EPOCHS },
  givenUp: [{ fromOffset: 12n, toOffset: 14n }],
};
const BUCKETS = ['a', 'b'];
const assigner = { bucketOf: (slot: number) => BUCKETS[slot] } as unknown as BucketAssigner;
const OPTIONS: RereadingOptions = {
  ...{ assigner, records: new TextLine('bad'), tombstones: 'skip', writesBad: true },
};

/** `missing`, the bucket that holds it, or null if none does. */
function placeOf(offset: bigint, value: string | null, slot = 0, options: Partial<RereadingOptions> = {}) {
  const record = recordOf({ offset, value: value === null ? null : Buffer.from(value) });
  const place = new Rereading(REPAIR, { ...OPTIONS, ...options }).placeOf(record, slot, offset);
  return place.type === 'missing' ? 'missing' : place.bucket;
}

describe('a record that is read again', () => {
  it('is missing from the first to the last offset of a lost file of its bucket', () => {
    const places = [9n, 10n, 20n, 21n, 39n, 40n, 50n, 51n].map((offset) => placeOf(offset, 'x'));
    expect(places).toEqual(['a', 'missing', 'missing', 'a', 'a', 'missing', 'missing', 'a']);
  });

  it('is held if the lost file is of another bucket', () => {
    expect([15n, 21n, 22n, 23n].map((offset) => placeOf(offset, 'x', 1))).toEqual(['b', 'b', 'missing', 'b']);
  });

  it('is in no file if its offset was given up', () => {
    expect([11n, 12n, 13n, 14n].map((offset) => placeOf(offset, 'x'))).toEqual([
      ...['missing', null, null, 'missing'],
    ]);
  });

  it('that is bad is of the bucket of bad records, wherever it would be otherwise', () => {
    expect([15n, 29n, 30n, 33n, 34n].map((offset) => placeOf(offset, 'x\ny'))).toEqual([
      ...[BAD_BUCKET, BAD_BUCKET, 'missing', 'missing', BAD_BUCKET],
    ]);
    expect(placeOf(31n, 'x')).toBe('a');
  });

  it('that is bad is in no file if bad ones are not written', () => {
    expect([15n, 31n].map((offset) => placeOf(offset, 'x\ny', 0, { writesBad: false }))).toEqual([
      null,
      null,
    ]);
  });

  it('without a value is in no file, or bad, by the rule of the job', () => {
    expect([15n, 31n].map((offset) => placeOf(offset, null))).toEqual([null, null]);
    const places = [15n, 31n].map((offset) => placeOf(offset, null, 0, { tombstones: 'bad' }));
    expect(places).toEqual([BAD_BUCKET, 'missing']);
  });
});
