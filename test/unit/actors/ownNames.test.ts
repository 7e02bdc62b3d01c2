import { describe, expect, it } from 'vitest';
import { finalUri, type NamingRule } from '../../../actors/naming.ts';
import { OwnNames } from '../../../actors/ownNames.ts';

const RULE: NamingRule = { sinkUri: 'file:///lake', entropy: null, prefix: 'part', suffix: '.ndjson' };
const CLICKS = { topic: 'clicks', partition: 3 };
const NAMES = new OwnNames(['part', 'former'], ['clicks', 'eu-clicks', 't'.repeat(200)]);

describe('names of one partition', () => {
  it('are those that a part file may have, at any offset', () => {
    for (const offset of [0n, 1234n, 2n ** 63n - 1n]) {
      const uri = finalUri(RULE, 'file:///lake/a', CLICKS, offset);
      expect(NAMES.partitionOf(uri)).toEqual(CLICKS);
      expect(NAMES.mayBeOf(uri, CLICKS)).toBe(true);
    }
  });

  it.each([
    'former-clicks-3-00000000000000001234',
    // Files of another suffix, or of a log that replaced the first one, are its files, too.
    'part-clicks-3-00000000000000001234',
    'part-clicks-3-00000000000000001234.g2.ndjson',
  ])('%s is one', (name) => {
    expect(NAMES.partitionOf(`file:///lake/${name}`)).toEqual(CLICKS);
    expect(NAMES.mayBeOf(`file:///lake/${name}`, CLICKS)).toBe(true);
  });

  it('are shorter for a long topic in later generations', () => {
    const long = { topic: 't'.repeat(200), partition: 0 };
    const uri = finalUri(RULE, 'file:///lake', long, 7n, 2);
    expect(NAMES.partitionOf(uri)).toEqual(long);
    expect(NAMES.mayBeOf(uri, long)).toBe(true);
  });

  it.each(['numbers-clicks-3-00000000000000001234', 'part-v2-clicks-3-00000000000000001234.g2'])(
    '%s may be one, of a prefix that nobody remembers',
    (name) => {
      expect(NAMES.partitionOf(name)).toBeNull();
      expect(NAMES.mayBeOf(name, CLICKS)).toBe(true);
    },
  );

  it.each([
    'part-clicks-30-00000000000000001234',
    'part-clicks-3-1234',
    'part-clicks-3-000000000000000012345',
    'clicks-3-00000000000000001234',
    // A topic of the job.
    'part-eu-clicks-3-00000000000000001234',
    'part-moreclicks-3-00000000000000001234',
    '.tidemark-0123',
  ])('%s is none', (name) => {
    expect(NAMES.partitionOf(name)).not.toEqual(CLICKS);
    expect(NAMES.mayBeOf(name, CLICKS)).toBe(false);
  });
});
