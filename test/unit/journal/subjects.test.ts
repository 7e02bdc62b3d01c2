import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobName, type Subject } from '../../../journal/ids.ts';
import {
  decodeToken,
  encodeToken,
  jobPrefix,
  jobSubject,
  partitionOf,
  partitionSubject,
  requestSubject,
} from '../../../journal/subjects.ts';

const hard = [
  'a.b',
  'a_b',
  'a/b',
  '*',
  '>',
  'a b',
  '_2E',
  '.',
  '..',
  'ü',
  '日本',
  '👍',
  '\u0000',
  '\ufeffx',
  '',
];
const anyName = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...hard),
);
const wellFormed = anyName.filter((text) => text.isWellFormed());
const topicPartition = fc.record({ topic: wellFormed, partition: fc.nat() });

describe('subject tokens', () => {
  test('every name is read back from its token', () => {
    fc.assert(
      fc.property(wellFormed, (name) => {
        expect(decodeToken(encodeToken(name))).toBe(name);
      }),
    );
  });

  test.each(hard)('the hard name %j is read back, too', (name) => {
    expect(decodeToken(encodeToken(name))).toBe(name);
  });

  test('no two names share a token', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (one, other) => {
        if (one !== other) expect(encodeToken(one)).not.toBe(encodeToken(other));
      }),
    );
    expect(new Set(hard.map(encodeToken)).size).toBe(hard.length);
  });

  test('a token holds nothing that a subject gives a meaning to', () => {
    fc.assert(
      fc.property(wellFormed, (name) => {
        expect(encodeToken(name)).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
    );
  });

  test('a name with a lone surrogate is refused: it would share the token of another', () => {
    expect(() => encodeToken('a\ud800')).toThrow(/not valid Unicode/);
  });

  test.each(['_', '_2', '_2e', '_ZZ', 'a.b', 'ü', '_FF'])(
    'a token %j that no name has is not guessed at',
    (token) => {
      if (token === '_') expect(decodeToken(token)).toBe('');
      else expect(() => decodeToken(token)).toThrow(/did not name/);
    },
  );
});

describe('subjects', () => {
  const job = jobName('clicks');

  test('a partition is read back from its subject, whatever its topic is called', () => {
    fc.assert(
      fc.property(topicPartition, (partition) => {
        expect(partitionOf(partitionSubject(job, partition))).toEqual(partition);
      }),
    );
  });

  test('no two partitions, kinds or jobs share a subject, and all of a job begin with its prefix', () => {
    fc.assert(
      fc.property(topicPartition, topicPartition, (one, other) => {
        const all = [job, jobName('clicks-2'), jobName('c')].flatMap((of) => [
          jobSubject(of),
          partitionSubject(of, one),
          requestSubject(of, one),
          ...(one.topic === other.topic && one.partition === other.partition
            ? []
            : [partitionSubject(of, other)]),
        ]);
        expect(new Set(all).size).toBe(all.length);
        expect(all.filter((subject) => subject.startsWith(jobPrefix(job)))).toHaveLength(all.length / 3);
      }),
    );
  });

  test("a job's and a request's subject name no partition", () => {
    expect(partitionOf(jobSubject(job))).toBeNull();
    expect(partitionOf(requestSubject(job, { topic: 't', partition: 0 }))).toBeNull();
  });

  test.each([
    ...['clicks.partition', 'clicks.partition.t', 'clicks.partition.t.x', 'clicks.partition.t.0.1'],
    ...['clicks.partition.t.', 'clicks.partition.t.-1', 'clicks.partition.t.1e3', 'clicks.partition.t.01'],
  ])('a partition subject %s that Tidemark did not name is refused', (subject) => {
    expect(() => partitionOf(subject as Subject)).toThrow(
      expect.objectContaining({ code: 'JOURNAL_CORRUPT' }),
    );
  });
});
