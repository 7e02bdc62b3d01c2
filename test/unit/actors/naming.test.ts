import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AFFIX_BYTES_MAX,
  bucketUri,
  finalUri,
  temporaryUri,
  TOPIC_BYTES_MAX,
} from '../../../actors/naming.ts';
import { nameAffix } from '../../../src/config/leaves.ts';
import { part } from '../../model/samples.ts';

const rule = { sinkUri: 'file:///lake', prefix: 'part', suffix: '' };
const clicks = { topic: 'clicks', partition: 3 };
const nameOf = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1);
const bytesOf = (text: string): number => Buffer.byteLength(text);

describe('final names', () => {
  it('hold prefix, topic, partition, the first offset in 20 digits, and the suffix', () => {
    expect(finalUri({ ...rule, suffix: '.ndjson' }, 'dt=2026-01-02/hr=03', clicks, 1234n)).toBe(
      'file:///lake/dt=2026-01-02/hr=03/part-clicks-3-00000000000000001234.ndjson',
    );
  });
  it("stand in the sink's own folder where there are no buckets", () => {
    expect(finalUri(rule, '', clicks, 0n)).toBe('file:///lake/part-clicks-3-00000000000000000000');
    expect(bucketUri(rule, '')).toBe('file:///lake');
  });
  it('sort as their offsets do, up to the largest offset that Kafka knows', () => {
    const offsets = [0n, 9n, 10n, 99_999n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    const names = offsets.map((offset) => finalUri(rule, '', clicks, offset));
    expect([...names].sort()).toEqual(names);
    expect(new Set(names.map((name) => name.length)).size).toBe(1);
  });
  it('take a topic for a name, not for a path', () => {
    expect(nameOf(finalUri(rule, '', { topic: '../data/quakes.ndjson', partition: 0 }, 0n))).toBe(
      'part-%2E.%2Fdata%2Fquakes.ndjson-0-00000000000000000000',
    );
  });
  it('fit into 255 bytes with the longest of everything', () => {
    const longest = { ...rule, prefix: 'p'.repeat(AFFIX_BYTES_MAX), suffix: 's'.repeat(AFFIX_BYTES_MAX) };
    for (const topic of ['t'.repeat(249), 'é'.repeat(249), '/'.repeat(249), '\n'.repeat(4096)]) {
      const name = nameOf(finalUri(longest, '', { topic, partition: 2 ** 31 - 1 }, 2n ** 63n - 1n));
      expect(bytesOf(name)).toBeLessThanOrEqual(255);
    }
    expect(
      bytesOf(nameOf(finalUri(longest, '', { topic: 't'.repeat(249), partition: 2 ** 31 - 1 }, 0n))),
    ).toBe(255);
  });
  it('leave a topic of up to 158 bytes as it is, whatever prefix, suffix and partition are', () => {
    const topic = 't'.repeat(TOPIC_BYTES_MAX);
    expect(TOPIC_BYTES_MAX).toBe(158);
    expect(finalUri(rule, '', { topic, partition: 2 ** 31 - 1 }, 0n)).toContain(`part-${topic}-2147483647-`);
  });
  it('give an over-long topic the same name in all its files, and another one another name', () => {
    const long = (last: string): string => `${'t'.repeat(248)}${last}`;
    const topicIn = (topic: string, partition: number, prefix: string): string => {
      const name = nameOf(finalUri({ ...rule, prefix }, '', { topic, partition }, 7n));
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
      finalUri(rule, '', at, at.offset);
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
    expect(temporaryUri(rule, 'hour-1', part(1))).toBe(`file:///lake/hour-1/.tidemark-${part(1)}`);
  });
});
