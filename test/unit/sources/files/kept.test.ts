import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { aliveOf } from '../../collected.ts';
import { at, newLake, pull } from './lake.ts';

const FEEDS = 50;

test('a feed that was closed is kept no more: each epoch of a partition opens one', async () => {
  const lake = await newLake();
  await lake.write('a.ndjson', 'one\ntwo\n');
  const source = lake.source();
  const feeds: WeakRef<object>[] = [];
  for (let index = 0; index < FEEDS; index += 1) {
    const feed = source.open(at('a.ndjson'), 0n, null);
    feeds.push(new WeakRef(feed));
    await pull(feed, 2);
    await feed.close();
  }
  await turn();
  expect(await aliveOf(feeds)).toBeLessThan(3);
  await lake.dispose();
});
