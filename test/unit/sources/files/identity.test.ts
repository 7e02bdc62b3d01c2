/** Rotated files whose first lines are the same: which of them is another file, and which has only grown. */
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SourceListener, TopicFacts } from '../../../../src/sources/port.ts';
import { at, failureOf, newLake, pull, values, type Lake } from './lake.ts';

let lake: Lake;
beforeEach(async () => {
  lake = await newLake();
});
afterEach(() => lake.dispose());

const HEADER = 'time,value\n';
const rows = (name: string, count: number): string =>
  Array.from({ length: count }, (_, row) => `${name}${row}\n`).join('');
const asked = { wait: false, onWaiting: () => undefined, signal: new AbortController().signal };

async function idOf(name: string): Promise<string> {
  const { topics } = await lake.source().describe(asked);
  const id = topics.find(({ topic }) => topic === name)?.topicId ?? null;
  if (id === null) throw new Error(`${name} has no id`);
  return id;
}

test('a file that grows keeps its id', async () => {
  await lake.write('a.ndjson', HEADER + rows('a', 3));
  const id = await idOf('a.ndjson');
  await lake.append('a.ndjson', rows('b', 20_000));
  const source = lake.source();
  await source.verifyIdentity('a.ndjson', id);
  expect(values(await pull(source.open(at('a.ndjson'), 0n, id), 4)).slice(0, 4)).toEqual([
    'time,value',
    'a0',
    'a1',
    'a2',
  ]);
});

test('rotated while nobody read, with the same first line and more lines: stops', async () => {
  await lake.write('a.ndjson', HEADER + rows('old', 10));
  const id = await idOf('a.ndjson');
  await lake.write('a.ndjson', HEADER + rows('new', 30));
  const source = lake.source();
  await failureOf(source.open(at('a.ndjson'), 11n, id).next(), 'SOURCE_REPLACED');
  await failureOf(source.verifyIdentity('a.ndjson', id), 'SOURCE_REPLACED');
});

test('one first seen with only its header is known by more as it is read; that is reported', async () => {
  await lake.write('a.ndjson', HEADER);
  const source = lake.source({ limits: { chunkBytes: 64, lineBytesMax: 200 } });
  const [facts] = (await source.describe(asked)).topics;
  const told: TopicFacts[] = [];
  await source.start({ ...listener, topicAppeared: (more) => void told.push(more) });
  const feed = source.open(at('a.ndjson'), 0n, facts?.topicId ?? null);
  await pull(feed, 1);
  for (let round = 0; round < 200; round += 1) {
    await lake.append('a.ndjson', rows(`row ${round} `, 50));
    await pull(feed, 50);
  }
  expect(told.length).toBeGreaterThan(1);
  expect(told.length).toBeLessThanOrEqual(4);
  const longest = told.at(-1)?.topicId ?? null;
  for (const { topicId } of told) await lake.source().verifyIdentity('a.ndjson', topicId);

  await lake.write('new', HEADER + rows('new', 20_000));
  await rename(lake.path('new'), lake.path('a.ndjson'));
  await failureOf(pull(feed, 1), 'SOURCE_REPLACED');
  await failureOf(lake.source().verifyIdentity('a.ndjson', longest), 'SOURCE_REPLACED');
  // What the journal held at first would not tell.
  await lake.source().verifyIdentity('a.ndjson', facts?.topicId ?? null);
});

test('the id of earlier versions, of the first line alone, is accepted as it was', async () => {
  await lake.write('a.ndjson', HEADER + rows('old', 10));
  const id = createHash('sha256').update('time,value').digest('hex').slice(0, 16);
  const source = lake.source();
  await source.verifyIdentity('a.ndjson', id);
  expect(values(await pull(source.open(at('a.ndjson'), 10n, id), 1))).toEqual(['old9']);
  await lake.write('b.ndjson', `another${HEADER}`);
  await failureOf(source.verifyIdentity('b.ndjson', id), 'SOURCE_REPLACED');
});

const listener: SourceListener = {
  assigned: () => undefined,
  topicAppeared: () => undefined,
  failed: (error) => {
    throw error;
  },
};
