import { rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { at, failureOf, newLake, pull, values, type Lake } from './lake.ts';

let lake: Lake;
beforeEach(async () => {
  lake = await newLake();
});
afterEach(() => lake.dispose());

const SMALL = { chunkBytes: 16, lineBytesMax: 200 };

describe('lines as records', () => {
  test('offsets count from 0; values are the bytes before the newline, untouched', async () => {
    await lake.write('a.ndjson', Buffer.from('one\r\n\n\xff\x00\x80\nlast\n', 'latin1'));
    const lines = await pull(lake.source().open(at('a.ndjson'), 0n, null), 4);
    expect(lines.map(({ offset, value }) => [offset, value])).toEqual([
      [0, 'one\r'],
      [1, ''],
      [2, '\xff\x00\x80'],
      [3, 'last'],
    ]);
  });

  test('where chunks end makes no difference', async () => {
    const expected = ['a', '', 'bb', 'a longer line', '', '', 'c'.repeat(30), 'end'];
    await lake.write('a.ndjson', `${expected.join('\n')}\n`);
    for (let chunkBytes = 1; chunkBytes < 40; chunkBytes += 1) {
      const source = lake.source({ limits: { chunkBytes, lineBytesMax: 100 } });
      expect(values(await pull(source.open(at('a.ndjson'), 0n, null), expected.length))).toEqual(expected);
    }
  });

  test('reading starts at any line', async () => {
    const expected = Array.from({ length: 20 }, (_, line) => `line ${line}`);
    await lake.write('a.ndjson', `${expected.join('\n')}\n`);
    const source = lake.source({ limits: SMALL });
    for (const line of [0, 1, 7, 19, 3, 12]) {
      const [first, ...rest] = await pull(source.open(at('a.ndjson'), BigInt(line), null), 20 - line);
      expect(first).toMatchObject({ offset: line, value: `line ${line}` });
      expect(values(rest)).toEqual(expected.slice(line + 1));
    }
  });

  test('a batch gives a fresh cursor each time', async () => {
    await lake.write('a.ndjson', 'one\ntwo\n');
    const batch = await lake.source().open(at('a.ndjson'), 0n, null).next();
    expect([batch.fetchedOffset, batch.nextOffset]).toEqual([0n, 2n]);
    for (let round = 0; round < 2; round += 1) {
      const cursor = batch.records();
      expect([cursor.next(), cursor.next(), cursor.next(), cursor.next()]).toEqual([
        true,
        true,
        false,
        false,
      ]);
    }
  });

  test('lines longer than a chunk are read whole', async () => {
    const long = 'x'.repeat(200);
    await lake.write('a.ndjson', `short\n${long}\nafter\n`);
    const feed = lake.source({ limits: SMALL }).open(at('a.ndjson'), 0n, null);
    expect(values(await pull(feed, 3))).toEqual(['short', long, 'after']);
  });

  test('a line above the limit stops reading and is named; the next one can be read', async () => {
    const path = await lake.write('a.ndjson', `short\n${'x'.repeat(201)}\nafter\n`);
    const source = lake.source({ limits: SMALL });
    const feed = source.open(at('a.ndjson'), 0n, null);
    await pull(feed, 1);
    const error = await failureOf(feed.next(), 'SOURCE_RANGE_LOST');
    expect(error.message).toContain(`Line 1 of ${path} is longer than 200 bytes`);
    expect(error.fields).toMatchObject({ fromOffset: 1n, toOffset: 2n });
    expect(values(await pull(source.open(at('a.ndjson'), 2n, null), 1))).toEqual(['after']);
  });
});

describe('a file that grows', () => {
  test('lines are read once their newline is written, and not before', async () => {
    await lake.write('a.ndjson', 'one\nhal');
    const feed = lake.source().open(at('a.ndjson'), 0n, null);
    expect(values(await pull(feed, 1))).toEqual(['one']);
    const next = pull(feed, 2);
    await lake.append('a.ndjson', 'f\n');
    await lake.append('a.ndjson', 'three\n');
    expect(values(await next)).toEqual(['half', 'three']);
  });

  test('an empty file is waited for', async () => {
    await lake.write('a.ndjson', '');
    const next = pull(lake.source().open(at('a.ndjson'), 0n, null), 1);
    await lake.append('a.ndjson', 'one\n');
    expect(values(await next)).toEqual(['one']);
  });

  test('closing ends the wait, as an abort and not as an error of the source', async () => {
    await lake.write('a.ndjson', '');
    const feed = lake.source().open(at('a.ndjson'), 0n, null);
    const ended = expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
    await feed.close();
    await ended;
    await expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
    await feed.close();
  });

  test('closing ends a read that is under way: nothing comes after it', async () => {
    await lake.write('a.ndjson', 'one\n');
    const feed = lake.source().open(at('a.ndjson'), 0n, null);
    const ended = expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
    await feed.close();
    await ended;
  });

  test('what a system refuses for a moment is told once and tried again', async () => {
    await symlink('a.ndjson', lake.path('a.ndjson'));
    const next = pull(lake.source({ stableMs: Infinity }).open(at('a.ndjson'), 0n, null), 1);
    await expect.poll(() => lake.warnings.length).toBe(1);
    await rm(lake.path('a.ndjson'));
    await lake.write('b.ndjson', 'one\n');
    await rename(lake.path('b.ndjson'), lake.path('a.ndjson'));
    expect(values(await next)).toEqual(['one']);
    expect(lake.warnings.filter((message) => message.includes('ELOOP'))).toHaveLength(1);
  });
});

describe('a file that is not what it was', () => {
  async function readTwoLines(limits = SMALL) {
    await lake.write('a.ndjson', 'first\nsecond\n');
    const source = lake.source({ limits });
    const [facts] = (await source.describe({ wait: false, onWaiting: () => undefined, signal: never() }))
      .topics;
    const feed = source.open(at('a.ndjson'), 0n, facts?.topicId ?? null);
    await pull(feed, 2);
    return { source, feed, topicId: facts?.topicId ?? null };
  }
  const never = (): AbortSignal => new AbortController().signal;

  test('truncated below what was read: stops and names the line', async () => {
    const { feed } = await readTwoLines();
    await truncate(lake.path('a.ndjson'), 6);
    const error = await failureOf(feed.next(), 'SOURCE_BEYOND_END');
    expect(error.message).toContain(lake.path('a.ndjson'));
    expect(error.message).toMatch(/shrank to 6 bytes, and line 2/);
  });

  test('rewritten in place, longer than before: stops', async () => {
    const { feed } = await readTwoLines();
    await writeFile(lake.path('a.ndjson'), 'first\nsomething else\nand more\n');
    await failureOf(feed.next(), 'SOURCE_REPLACED');
  });

  test('replaced by another file while it was waited for: stops and names both', async () => {
    const { feed, topicId } = await readTwoLines();
    await lake.write('new', 'other\nsecond\nthird\n');
    await rename(lake.path('new'), lake.path('a.ndjson'));
    const error = await failureOf(feed.next(), 'SOURCE_REPLACED');
    expect(error.fields).toMatchObject({ expectedTopicId: topicId });
  });

  test('replaced where the journal knows no identity: what was first seen counts', async () => {
    await lake.write('a.ndjson', 'first\nsecond\n');
    const feed = lake.source().open(at('a.ndjson'), 0n, null);
    await pull(feed, 2);
    await lake.write('new', 'other\nsecond\nthird\n');
    await rename(lake.path('new'), lake.path('a.ndjson'));
    await failureOf(feed.next(), 'SOURCE_REPLACED');
  });

  test('replaced by a copy that holds more lines: reading goes on where it was', async () => {
    const { feed } = await readTwoLines();
    await lake.write('new', 'first\nsecond\nthird\n');
    await rename(lake.path('new'), lake.path('a.ndjson'));
    expect(await pull(feed, 1)).toMatchObject([{ offset: 2, value: 'third' }]);
  });

  test('another first line when it is opened: stops at once', async () => {
    const { source, topicId } = await readTwoLines();
    await writeFile(lake.path('a.ndjson'), 'other\nsecond\n');
    await failureOf(source.open(at('a.ndjson'), 1n, topicId).next(), 'SOURCE_REPLACED');
  });

  test('too short when it is opened: waited for, then stops and says how long it is', async () => {
    await lake.write('a.ndjson', 'first\nsecond\n');
    const error = await failureOf(lake.source().open(at('a.ndjson'), 5n, null).next(), 'SOURCE_BEYOND_END');
    expect(error.message).toContain(`${lake.path('a.ndjson')} has 2 lines, and line 5`);
    expect(lake.warnings).toEqual([expect.stringContaining('is too short; if that stays so for 30 s')]);
  });

  test('too short for a moment: reading goes on', async () => {
    await lake.write('a.ndjson', 'first\n');
    const next = pull(lake.source({ stableMs: 1e12 }).open(at('a.ndjson'), 2n, null), 1);
    await lake.append('a.ndjson', 'second\nthird\n');
    expect(values(await next)).toEqual(['third']);
  });

  test('missing when it is opened: waited for, then stops and names it', async () => {
    const error = await failureOf(
      lake.source().open(at('gone.ndjson'), 3n, null).next(),
      'SOURCE_RANGE_LOST',
    );
    expect(error.message).toContain(`${lake.path('gone.ndjson')} is gone`);
    expect(error.fields).toMatchObject({ fromOffset: 3n });
  });

  test('removed while it is read: the rest of it is still read, and nothing is lost', async () => {
    const { feed } = await readTwoLines();
    const next = pull(feed, 1);
    await lake.append('a.ndjson', 'third\n');
    await rm(lake.path('a.ndjson'));
    expect(values(await next)).toEqual(['third']);
    const ended = expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => lake.warnings.join()).toMatch(/is gone; everything in it was read/);
    await feed.close();
    await ended;
  });

  test('its identity is proved by its first line; a removed file is no other one', async () => {
    const { source, topicId } = await readTwoLines();
    await lake.append('a.ndjson', 'third\n');
    await source.verifyIdentity('a.ndjson', topicId);
    await source.verifyIdentity('a.ndjson', null);
    await writeFile(lake.path('a.ndjson'), 'other\n');
    await failureOf(source.verifyIdentity('a.ndjson', topicId), 'SOURCE_REPLACED');
    await truncate(lake.path('a.ndjson'), 0);
    await failureOf(source.verifyIdentity('a.ndjson', topicId), 'SOURCE_REPLACED');
    await rm(lake.path('a.ndjson'));
    await source.verifyIdentity('a.ndjson', topicId);
  });
});

describe('the time of a record', () => {
  test('is the time at which the file was changed where the job names none', async () => {
    await lake.write('a.ndjson', '{"time":5}\n');
    await utimes(lake.path('a.ndjson'), 1_000, 2_000.5);
    const lines = await pull(lake.source().open(at('a.ndjson'), 0n, null), 1);
    expect(lines[0]?.timestampMs).toBe(2_000_500);
  });

  test('is that of each change, as far as they are read apart', async () => {
    await lake.write('a.ndjson', 'one\n');
    await utimes(lake.path('a.ndjson'), new Date(1_000), new Date(1_000));
    const feed = lake.source().open(at('a.ndjson'), 0n, null);
    expect(await pull(feed, 1)).toMatchObject([{ timestampMs: 1_000 }]);
    await lake.append('a.ndjson', 'two\n');
    const [second] = await pull(feed, 1);
    expect(second?.timestampMs).toBeGreaterThan(1_000);
  });

  test('is read from each line; one that does not say gets the time of the file, told once', async () => {
    const lines = [
      { p: { time: 12 } },
      { p: { time: '1970-01-01T00:00:01Z' } },
      { p: {} },
      { p: { time: null } },
    ];
    await lake.write('a.ndjson', `${lines.map((line) => JSON.stringify(line)).join('\n')}\nno json\n`);
    await utimes(lake.path('a.ndjson'), 1_000, 2_000);
    const feed = lake.source({ time: 'p.time' }).open(at('a.ndjson'), 0n, null);
    const times = (await pull(feed, 5)).map((line) => line.timestampMs);
    expect(times).toEqual([12, 1_000, 2_000_000, 2_000_000, 2_000_000]);
    expect(lake.warnings).toEqual([expect.stringMatching(/^Line 2 of .* has no readable time/)]);
    await feed.close();
    expect(lake.infos).toEqual([expect.stringMatching(/^3 lines of /)]);
  });

  test('is counted once for each line, however often it is asked for', async () => {
    await lake.write('a.ndjson', 'no json\n');
    const feed = lake.source({ time: 'time' }).open(at('a.ndjson'), 0n, null);
    const cursor = (await feed.next()).records();
    cursor.next();
    const asked = [cursor.timestampMs, cursor.timestampMs];
    expect(asked[0]).toBe(asked[1]);
    await feed.close();
    expect(lake.infos).toEqual([expect.stringMatching(/^1 lines of /)]);
  });
});
