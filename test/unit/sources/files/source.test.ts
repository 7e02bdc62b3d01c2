import { createHash } from 'node:crypto';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SourceListener, TopicFacts } from '../../../../src/sources/port.ts';
import { at, failureOf, newLake, pull, values, type Lake } from './lake.ts';

let lake: Lake;
beforeEach(async () => {
  lake = await newLake();
});
afterEach(() => lake.dispose());

const asked = (wait: boolean, told: string[] = [], signal = new AbortController().signal) => ({
  wait,
  onWaiting: (message: string) => told.push(message),
  signal,
});

const topicsOf = (facts: { topics: readonly TopicFacts[] }): string[] =>
  facts.topics.map(({ topic }) => topic);

describe('which files', () => {
  test('match: regular files, by their path from the base folder, in order', async () => {
    await lake.write('data/b.ndjson', 'b\n');
    await lake.write('data/a.ndjson', 'a\n');
    await lake.write('data/deep/er/c.ndjson', 'c\n');
    await lake.write('data/other.txt', 'x\n');
    await mkdir(lake.path('data/folder.ndjson'));
    await symlink('a.ndjson', lake.path('data/link.ndjson'));
    await symlink('nowhere', lake.path('data/dangling.ndjson'));
    const seen = async (pattern: string) => topicsOf(await lake.source({ pattern }).describe(asked(false)));
    expect(await seen('data/*.ndjson')).toEqual(['data/a.ndjson', 'data/b.ndjson', 'data/link.ndjson']);
    expect(await seen('data/**/c.*')).toEqual(['data/deep/er/c.ndjson']);
    expect(await seen(`${lake.dir}/data/b.*`)).toEqual(['data/b.ndjson']);
    expect(await seen('data/../data/{a,b}.ndjson')).toEqual(['data/a.ndjson', 'data/b.ndjson']);
  });

  test('hidden files do not match unless the pattern names the dot', async () => {
    await lake.write('data/.hidden.ndjson', 'x\n');
    await lake.write('data/.tidemark/y.ndjson', 'y\n');
    await lake.write('data/z.ndjson', 'z\n');
    const seen = async (pattern: string) => topicsOf(await lake.source({ pattern }).describe(asked(false)));
    expect(await seen('data/*.ndjson')).toEqual(['data/z.ndjson']);
    expect(await seen('**/*.ndjson')).toEqual(['data/z.ndjson']);
    expect(await seen('data/.*.ndjson')).toEqual(['data/.hidden.ndjson']);
  });

  test('none: refused with the pattern and the folder, or waited for and told once', async () => {
    const error = await failureOf(lake.source().describe(asked(false)), 'SOURCE_TOPIC_MISSING');
    expect(error.message).toContain(`*.ndjson below ${lake.dir}`);
    const told: string[] = [];
    const facts = lake.source().describe(asked(true, told));
    await expect.poll(() => told.length).toBe(1);
    await lake.write('late.ndjson', 'x\n');
    expect(topicsOf(await facts)).toEqual(['late.ndjson']);
    expect(told).toEqual([expect.stringContaining('Waiting for one')]);
  });

  test('waiting for one ends with the signal', async () => {
    const abort = new AbortController();
    const ended = expect(lake.source().describe(asked(true, [], abort.signal))).rejects.toMatchObject({
      name: 'AbortError',
    });
    abort.abort();
    await ended;
  });
});

describe('facts', () => {
  test('a file is one partition; its id is a fingerprint of its lines, once there is one', async () => {
    await lake.write('a.ndjson', 'first line');
    const source = lake.source();
    const facts = { clusterId: null, groupId: null };
    expect(await source.describe(asked(false))).toEqual({
      ...facts,
      topics: [{ topic: 'a.ndjson', topicId: null, partitions: 1 }],
    });
    await lake.append('a.ndjson', '\nsecond line\n');
    const digest = createHash('sha256').update('first line\nsecond line\n').digest('hex');
    const topicId = `23:${digest.slice(0, 16)}`;
    expect(await source.describe(asked(false))).toEqual({
      ...facts,
      topics: [{ topic: 'a.ndjson', topicId, partitions: 1 }],
    });
  });

  test('the id covers a first line of any length', async () => {
    const line = 'x'.repeat(200_000);
    await lake.write('a.ndjson', `${line}\n`);
    await lake.write('b.ndjson', `${line}y\n`);
    const { topics } = await lake.source().describe(asked(false));
    const digest = createHash('sha256').update(`${line}\n`).digest('hex').slice(0, 16);
    expect(topics[0]?.topicId).toBe(`200001:${digest}`);
    expect(topics[1]?.topicId).not.toBe(topics[0]?.topicId);
  });

  test('there is no group: nothing is reported or remembered', async () => {
    const source = lake.source();
    await source.commitOffset(at('a.ndjson'), 5n, 'witness');
    expect(await source.readWitness(at('a.ndjson'))).toBeNull();
  });
});

describe('offsets', () => {
  test('a file begins at line 0 and ends behind its last complete line', async () => {
    await lake.write('a.ndjson', 'one\ntwo\ntail');
    const source = lake.source();
    expect(await source.ranges('a.ndjson')).toEqual([{ startOffset: 0n, endOffset: 2n }]);
    await lake.append('a.ndjson', '\n');
    expect(await source.ranges('a.ndjson')).toEqual([{ startOffset: 0n, endOffset: 3n }]);
  });

  test('a job starts at the first line, at the end, or at the first line since a time', async () => {
    await lake.write('a.ndjson', [5, 3, 9, 'x', 4].map((time) => `{"t":${JSON.stringify(time)}}\n`).join(''));
    const source = lake.source({ time: 't', limits: { chunkBytes: 4, lineBytesMax: 100 } });
    expect(await source.startOffsets('a.ndjson', { type: 'earliest' })).toEqual([0n]);
    expect(await source.startOffsets('a.ndjson', { type: 'group' })).toEqual([0n]);
    expect(await source.startOffsets('a.ndjson', { type: 'latest' })).toEqual([5n]);
    for (const [atMs, line] of [
      [0, 0n],
      [4, 0n],
      [5, 0n],
      [6, 2n],
      [9, 2n],
      [10, 3n],
      [Number.MAX_SAFE_INTEGER, 5n],
    ] as const) {
      expect(await source.startOffsets('a.ndjson', { type: 'time', atMs })).toEqual([line]);
    }
  });

  test('those of a file that is gone are refused, naming it', async () => {
    const error = await failureOf(lake.source().ranges('gone.ndjson'), 'SOURCE_UNREADABLE');
    expect(error.message).toContain(lake.path('gone.ndjson'));
  });
});

describe('a last line without newline', () => {
  test('is no record while the file is followed', async () => {
    await lake.write('a.ndjson', 'one\ntail');
    const source = lake.source();
    await source.ranges('a.ndjson');
    const feed = source.open(at('a.ndjson'), 0n, null);
    expect(values(await pull(feed, 1))).toEqual(['one']);
    const next = pull(feed, 1);
    await lake.append('a.ndjson', ' grew\n');
    expect(values(await next)).toEqual(['tail grew']);
  });

  test('belongs to a bounded run, and is reported', async () => {
    await lake.write('a.ndjson', 'one\ntail');
    const source = lake.source({ untilEnd: true });
    expect(await source.ranges('a.ndjson')).toEqual([{ startOffset: 0n, endOffset: 2n }]);
    expect(values(await pull(source.open(at('a.ndjson'), 0n, null), 2))).toEqual(['one', 'tail']);
    expect(lake.warnings).toEqual([expect.stringMatching(/has no newline; this bounded run takes it/)]);
  });

  test('belongs to a bounded run as it is when it is read, also when it is longer than a chunk', async () => {
    await lake.write('a.ndjson', 'one\ntail');
    const source = lake.source({ untilEnd: true, limits: { chunkBytes: 4, lineBytesMax: 100 } });
    await source.ranges('a.ndjson');
    await lake.append('a.ndjson', ' grew to some length');
    expect(values(await pull(source.open(at('a.ndjson'), 0n, null), 2))).toEqual([
      'one',
      'tail grew to some length',
    ]);
  });

  test('one that came after the end was told is left alone', async () => {
    await lake.write('a.ndjson', 'one\n');
    const source = lake.source({ untilEnd: true });
    expect(await source.ranges('a.ndjson')).toEqual([{ startOffset: 0n, endOffset: 1n }]);
    await lake.append('a.ndjson', 'tail');
    const feed = source.open(at('a.ndjson'), 0n, null);
    await pull(feed, 1);
    const ended = expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
    await feed.close();
    await ended;
  });

  test('was taken: a later run continues after it once it has its newline', async () => {
    await lake.write('a.ndjson', 'one\ntail');
    const source = lake.source();
    const feed = source.open(at('a.ndjson'), 2n, null);
    const next = pull(feed, 1);
    await expect.poll(() => source.ranges('a.ndjson')).toEqual([{ startOffset: 0n, endOffset: 2n }]);
    await lake.append('a.ndjson', '\nthree\n');
    expect(await next).toMatchObject([{ offset: 2, value: 'three' }]);
  });

  test('was taken, and grows: stops and says which line has a rest', async () => {
    await lake.write('a.ndjson', 'one\ntail');
    const bounded = lake.source({ untilEnd: true });
    await bounded.ranges('a.ndjson');
    const feed = bounded.open(at('a.ndjson'), 0n, null);
    await pull(feed, 2);
    const later = lake.source();
    const following = later.open(at('a.ndjson'), 2n, null);
    // Both wait behind the line before it grows.
    const failures = [feed.next(), following.next()].map((call) => failureOf(call, 'SOURCE_RANGE_LOST'));
    await expect.poll(() => later.ranges('a.ndjson')).toEqual([{ startOffset: 0n, endOffset: 2n }]);
    await lake.append('a.ndjson', 'or\nthree\n');
    for (const error of await Promise.all(failures)) {
      expect(error.message).toContain(`Line 1 of ${lake.path('a.ndjson')}`);
    }
  });
});

describe('files that appear', () => {
  function listening() {
    const heard: string[] = [];
    const listener: SourceListener = {
      assigned: (partitions) => heard.push(`assigned ${partitions.map(({ topic }) => topic).join(' ')}`),
      topicAppeared: ({ topic, topicId }) =>
        heard.push(`appeared ${topic} ${topicId === null ? 'empty' : 'filled'}`),
      failed: (error) => heard.push(`failed ${String(error)}`),
    };
    return { heard, listener };
  }

  /** Long enough for a source that watches the folder to have noticed. */
  async function somebodyElseHears(topic: string): Promise<void> {
    const source = lake.source();
    const { heard, listener } = listening();
    await source.start(listener);
    await expect.poll(() => heard.join()).toContain(topic);
    await source.stop();
  }

  test('all matching files are assigned at the start, later ones as they appear; gone stay', async () => {
    await lake.write('a.ndjson', 'a\n');
    await lake.write('b.ndjson', 'b\n');
    const source = lake.source();
    await source.describe(asked(false));
    const { heard, listener } = listening();
    await source.start(listener);
    expect(heard).toEqual(['assigned a.ndjson b.ndjson']);
    await rm(lake.path('a.ndjson'));
    await lake.write('c.ndjson', '');
    await expect.poll(() => heard.length).toBe(3);
    expect(heard.slice(1)).toEqual(['appeared c.ndjson empty', 'assigned a.ndjson b.ndjson c.ndjson']);
    await source.stop();
    await lake.write('d.ndjson', 'd\n');
    await somebodyElseHears('d.ndjson');
    expect(heard).toHaveLength(3);
  });

  test('one that appeared between description and start is reported before it is assigned', async () => {
    await lake.write('a.ndjson', 'a\n');
    const source = lake.source();
    await source.describe(asked(false));
    await lake.write('b.ndjson', 'b\n');
    const { heard, listener } = listening();
    await source.start(listener);
    expect(heard).toEqual(['appeared b.ndjson filled', 'assigned a.ndjson b.ndjson']);
  });

  test('a bounded run knows the files that it was described with, and no others', async () => {
    await lake.write('a.ndjson', 'a\n');
    const source = lake.source({ untilEnd: true });
    await source.describe(asked(false));
    await lake.write('late.ndjson', 'late\n');
    const { heard, listener } = listening();
    await source.start(listener);
    const hears = somebodyElseHears('b.ndjson');
    await lake.write('b.ndjson', 'b\n');
    await hears;
    expect(heard).toEqual(['assigned a.ndjson']);
  });

  test('stopping ends every feed', async () => {
    await lake.write('a.ndjson', '');
    const source = lake.source();
    const next = source.open(at('a.ndjson'), 0n, null).next();
    const ended = expect(next).rejects.toMatchObject({ name: 'AbortError' });
    await source.stop();
    await ended;
  });
});
