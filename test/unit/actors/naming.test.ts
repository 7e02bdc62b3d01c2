import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AFFIX_BYTES_MAX,
  finalUri,
  folderOf,
  folderUri,
  isFolderOf,
  markerFolderUri,
  temporaryUri,
  TOPIC_BYTES_MAX,
  witnessesUri,
  witnessFolderUri,
  type NamingRule,
} from '../../../actors/naming.ts';
import { nameAffix } from '../../../src/app/jobFile/sinkKeys.ts';
import { jobName } from '../../../journal/ids.ts';
import { part } from '../../model/samples.ts';

const LAKE = 'file:///lake';
const rule: NamingRule = { sinkUri: LAKE, prefix: 'part', suffix: '', entropy: null };
const clicks = { topic: 'clicks', partition: 3 };
const nameOf = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1);
const bytesOf = (text: string): number => Buffer.byteLength(text);

describe('final names', () => {
  it('hold prefix, topic, partition, the first offset in 20 digits, and the suffix', () => {
    expect(finalUri({ ...rule, suffix: '.ndjson' }, `${LAKE}/dt=2026-01-02/hr=03`, clicks, 1234n)).toBe(
      'file:///lake/dt=2026-01-02/hr=03/part-clicks-3-00000000000000001234.ndjson',
    );
  });
  it('carry the generation of the log from the second one on, within what file systems take', () => {
    const later = { ...rule, suffix: '.ndjson' };
    expect(nameOf(finalUri(later, LAKE, clicks, 7n, 2))).toBe('part-clicks-3-00000000000000000007.g2.ndjson');
    expect(nameOf(finalUri(later, LAKE, clicks, 7n, 1))).toBe('part-clicks-3-00000000000000000007.ndjson');
    const longest = { ...rule, prefix: 'p'.repeat(32), suffix: 's'.repeat(32) };
    const at = { topic: 't'.repeat(249), partition: 2 ** 31 - 1 };
    expect(bytesOf(nameOf(finalUri(longest, LAKE, at, 2n ** 63n - 1n, 2 ** 31)))).toBeLessThanOrEqual(255);
  });
  it('sort as their offsets do, up to the largest offset that Kafka knows', () => {
    const offsets = [0n, 9n, 10n, 99_999n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    const names = offsets.map((offset) => finalUri(rule, LAKE, clicks, offset));
    expect([...names].sort()).toEqual(names);
    expect(new Set(names.map((name) => name.length)).size).toBe(1);
  });
  it('take a topic for a name, not for a path', () => {
    expect(nameOf(finalUri(rule, LAKE, { topic: '../data/quakes.ndjson', partition: 0 }, 0n))).toBe(
      'part-%2E.%2Fdata%2Fquakes.ndjson-0-00000000000000000000',
    );
  });
  it('fit into 255 bytes with the longest of everything', () => {
    const longest = { ...rule, prefix: 'p'.repeat(AFFIX_BYTES_MAX), suffix: 's'.repeat(AFFIX_BYTES_MAX) };
    for (const topic of ['t'.repeat(249), 'é'.repeat(249), '/'.repeat(249), '\n'.repeat(4096)]) {
      const name = nameOf(finalUri(longest, LAKE, { topic, partition: 2 ** 31 - 1 }, 2n ** 63n - 1n));
      expect(bytesOf(name)).toBeLessThanOrEqual(255);
    }
    expect(
      bytesOf(nameOf(finalUri(longest, LAKE, { topic: 't'.repeat(249), partition: 2 ** 31 - 1 }, 0n))),
    ).toBe(255);
  });
  it('leave a topic of up to 158 bytes as it is, whatever prefix, suffix and partition are', () => {
    const topic = 't'.repeat(TOPIC_BYTES_MAX);
    expect(TOPIC_BYTES_MAX).toBe(158);
    expect(finalUri(rule, LAKE, { topic, partition: 2 ** 31 - 1 }, 0n)).toContain(
      `part-${topic}-2147483647-`,
    );
  });
  it('give an over-long topic the same name in all its files, and another one another name', () => {
    const long = (last: string): string => `${'t'.repeat(248)}${last}`;
    const topicIn = (topic: string, partition: number, prefix: string): string => {
      const name = nameOf(finalUri({ ...rule, prefix }, LAKE, { topic, partition }, 7n));
      return name.slice(prefix.length + 1, name.length - `-${partition}-${'0'.repeat(20)}`.length);
    };
    expect(topicIn(long('a'), 0, 'part')).toBe(topicIn(long('a'), 12_345, 'a-longer-prefix'));
    expect(topicIn(long('a'), 0, 'part')).not.toBe(topicIn(long('b'), 0, 'part'));
  });
  it('differ for different topics, partitions and offsets, also where topics look like partitions', () => {
    const place = fc.record({
      topic: fc.string({ unit: fc.constantFrom('a', '-', '0', '1', '.'), minLength: 1, maxLength: 6 }),
      partition: fc.nat(12),
      offset: fc.bigInt(0n, 12n),
    });
    const nameFor = (at: { topic: string; partition: number; offset: bigint }): string =>
      finalUri(rule, LAKE, at, at.offset);
    fc.assert(
      fc.property(place, place, (one, other) => {
        const same =
          one.topic === other.topic && one.partition === other.partition && one.offset === other.offset;
        expect(nameFor(one) === nameFor(other)).toBe(same);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });
  it('rely on prefix and suffix being as short as the job file asks for', () => {
    for (const kind of ['prefix', 'suffix'] as const) {
      expect(nameAffix(kind).safeParse('x'.repeat(AFFIX_BYTES_MAX)).success).toBe(true);
      expect(nameAffix(kind).safeParse('x'.repeat(AFFIX_BYTES_MAX + 1)).success).toBe(false);
    }
  });
});

describe('temporary names', () => {
  it('are hidden, in the folder of the final name, and hold nothing but the part id', () => {
    const folder = folderUri(rule, 'hour-1', '');
    expect(temporaryUri(folder, part(1))).toBe(`file:///lake/hour-1/.tidemark-${part(1)}`);
    expect(folderOf(temporaryUri(folder, part(1)))).toBe(folder);
    expect(folderOf(finalUri(rule, folder, clicks, 0n))).toBe(folder);
  });
});

const spread = (sinkUri: string, key = '_entropy_', length = 4): NamingRule => ({
  ...rule,
  sinkUri,
  entropy: { key, length },
});

describe('folders', () => {
  it("are the bucket's below the sink's, and the sink's own where there are no buckets", () => {
    expect(folderUri(rule, '', '')).toBe('file:///lake');
    expect(folderUri(rule, 'dt=2026-01-02/hr=03', '')).toBe('file:///lake/dt=2026-01-02/hr=03');
  });
  it('without entropy are the same whatever is drawn', () => {
    expect(folderUri(rule, 'hour-1', 'aB3d')).toBe(folderUri(rule, 'hour-1', ''));
  });
  it.each([
    ['oss://lake/_entropy_', '', 'oss://lake/aB3d'],
    ['oss://lake/_entropy_/clicks', 'hour-1', 'oss://lake/aB3d/clicks/hour-1'],
    ['oss://lake/a_entropy_b/_entropy_', '', 'oss://lake/aaB3db/aB3d'],
    ['oss://lake/_entropy_', "'_entropy_'-1", "oss://lake/aB3d/'aB3d'-1"],
    ['oss://_entropy_/_entropy_', '', 'oss://_entropy_/aB3d'],
    ['file:///var/_entropy_/lake', '1', 'file:///var/aB3d/lake/1'],
  ])('with entropy hold what was drawn in place of every key: %s, bucket "%s"', (uri, bucket, folder) => {
    expect(folderUri(spread(uri), bucket, 'aB3d')).toBe(folder);
  });
  it('take the key literally, whatever it looks like', () => {
    expect(folderUri(spread('file:///a.*/$&b', '.*'), '', 'aB3d')).toBe('file:///aaB3d/$&b');
  });
  it('leave the name of the file alone, also where it holds the key', () => {
    const clicking = spread('file:///lake/clicks', 'clicks');
    expect(finalUri(clicking, folderUri(clicking, '', 'aB3d'), clicks, 0n)).toBe(
      'file:///lake/aB3d/part-clicks-3-00000000000000000000',
    );
  });
  it('are known again modulo what was drawn, and nothing else is', () => {
    const spreading = spread('oss://lake/_entropy_/x/_entropy_');
    const isFolder = (folder: string): boolean => isFolderOf(spreading, 'hour-1', folder);
    expect(isFolder('oss://lake/aB3d/x/aB3d/hour-1')).toBe(true);
    for (const other of [
      'oss://lake/aB3d/x/aB3e/hour-1',
      'oss://lake/aB3/x/aB3/hour-1',
      'oss://lake/aB3dd/x/aB3dd/hour-1',
      'oss://lake/a-3d/x/a-3d/hour-1',
      'oss://lake/aB3d/x/aB3d/hour-2',
      'oss://pond/aB3d/x/aB3d/hour-1',
      'oss://lake/_entropy_/x/_entropy_/hour-1',
      'oss://lake',
    ])
      expect(isFolder(other), other).toBe(false);
    expect(isFolderOf(rule, 'hour-1', 'file:///lake/hour-1')).toBe(true);
    expect(isFolderOf(rule, 'hour-1', 'file:///lake/hour-2')).toBe(false);
  });
  it('are not known by less than was drawn, also at the end of the path', () => {
    const atEnd = spread('oss://lake/_entropy_');
    expect(isFolderOf(atEnd, '', 'oss://lake/aB3d')).toBe(true);
    for (const other of ['oss://lake/aB3', 'oss://lake/', 'oss://lake/aB3dd'])
      expect(isFolderOf(atEnd, '', other), other).toBe(false);
  });
  it('are known as they are if the path holds no key', () => {
    expect(isFolderOf(spread('oss://lake/clicks'), 'hour-1', 'oss://lake/clicks/hour-1')).toBe(true);
    expect(isFolderOf(spread('oss://lake/clicks'), 'hour-1', 'oss://lake/clicks/hour-2')).toBe(false);
  });
  it('are known again whatever is drawn for them, whatever the rule', () => {
    const piece = fc.constantFrom('k', 'a', 'kk', '/a', '/k', '-');
    const drawn = fc.string({ unit: fc.constantFrom('k', 'a', '1'), minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(piece), fc.constantFrom('', 'k', 'a-k'), drawn, (path, bucket, text) => {
        const some = spread(`oss://k/k${path.join('')}`, 'k', 3);
        expect(isFolderOf(some, bucket, folderUri(some, bucket, text))).toBe(true);
      }),
      { seed: 1 },
    );
  });
});

describe("the marker's folder", () => {
  it.each([
    ['file:///lake', null, 'file:///lake'],
    ['oss://lake', null, 'oss://lake'],
    ['oss://lake/_entropy_', '_entropy_', 'oss://lake'],
    ['oss://lake/_entropy_/clicks', '_entropy_', 'oss://lake/clicks'],
    ['oss://lake/clicks/_entropy_', '_entropy_', 'oss://lake/clicks'],
    ['oss://lake/a/_entropy_/b/x_entropy_', '_entropy_', 'oss://lake/a/b/x'],
    ['oss://_entropy_/_entropy_/a', '_entropy_', 'oss://_entropy_/a'],
    ['file:///_entropy_/lake', '_entropy_', 'file:///lake'],
    ['oss://k', 'k', 'oss://k'],
  ])('of %s without %s is %s', (sinkUri, key, folder) => {
    expect(markerFolderUri({ sinkUri, entropy: key === null ? null : { key, length: 4 } })).toBe(folder);
  });
});

describe('the folder of witnesses', () => {
  const job = jobName('clicks');
  const entropy = { key: '_entropy_', length: 4 };

  it('is one for each partition, below the folder of the marker', () => {
    expect(witnessFolderUri(rule, job, clicks)).toBe(`${LAKE}/.tidemark/_witness/clicks/clicks/3`);
    expect(witnessFolderUri(rule, job, { topic: '../a', partition: 0 })).toBe(
      `${LAKE}/.tidemark/_witness/clicks/%2E.%2Fa/0`,
    );
    expect(witnessesUri({ sinkUri: `${LAKE}/_entropy_`, entropy }, job)).toBe(
      `${LAKE}/.tidemark/_witness/clicks`,
    );
  });
});
