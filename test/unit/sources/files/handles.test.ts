import { readlinkSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { at, failureOf, newLake, pull, values, type Lake } from './lake.ts';

let lake: Lake;
beforeEach(async () => {
  lake = await newLake();
});
afterEach(() => lake.dispose());

const HANDLES_MAX = 2;
const FEEDS = 5;
const LIMITS = { chunkBytes: 8, lineBytesMax: 200 };

/** How many files of the lake this process holds open. */
function heldFiles(): number {
  return readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(lake.dir);
    } catch {
      return false;
    }
  }).length;
}

const linesOf = (file: number, count: number): string[] =>
  Array.from({ length: count }, (_, line) => `${file}:${line}`);

async function openAll(count: number) {
  const source = lake.source({ limits: LIMITS, handlesMax: HANDLES_MAX });
  const files = Array.from({ length: FEEDS }, (_, file) => `${file}.ndjson`);
  for (const [file, name] of files.entries()) await lake.write(name, `${linesOf(file, count).join('\n')}\n`);
  return { source, files, feeds: files.map((name) => source.open(at(name), 0n, null)) };
}

test('feeds take turns at few handles, and each gets all of its lines in order', async () => {
  const { source, feeds, files } = await openAll(20);
  let mostHeld = 0;
  const read = await Promise.all(
    feeds.map(async (feed) => {
      const lines: string[] = [];
      while (lines.length < 20) {
        lines.push(...values(await pull(feed, 1)));
        mostHeld = Math.max(mostHeld, heldFiles());
      }
      return lines;
    }),
  );
  expect(read).toEqual(files.map((_, file) => linesOf(file, 20)));
  expect(mostHeld).toBeLessThanOrEqual(HANDLES_MAX);
  await source.stop();
  expect(heldFiles()).toBe(0);
});

test('what a file gains while its handle is closed is read', async () => {
  const { feeds, files } = await openAll(3);
  for (const feed of feeds) await pull(feed, 3);
  const waiting = feeds.map((feed) => pull(feed, 1));
  for (const name of files) await lake.append(name, 'more\n');
  for (const line of await Promise.all(waiting)) expect(line).toMatchObject([{ offset: 3, value: 'more' }]);
});

test('a file that was read to its end may go while its handle is closed', async () => {
  const { feeds, files } = await openAll(3);
  for (const feed of feeds) await pull(feed, 3);
  const waiting = feeds.map((feed) => pull(feed, 1));
  const [first = '', ...others] = files;
  await rm(lake.path(first));
  await waitFor(() => lake.warnings.some((text) => text.includes('is gone; everything in it was read')));
  await lake.write('back', `${[...linesOf(0, 3), 'back'].join('\n')}\n`);
  await rename(lake.path('back'), lake.path(first));
  for (const name of others) await lake.append(name, 'back\n');
  expect((await Promise.all(waiting)).flatMap(values)).toEqual(files.map(() => 'back'));
});

test('another file that took the place while its handle was closed is noticed', async () => {
  const { feeds, files } = await openAll(3);
  for (const feed of feeds) await pull(feed, 3);
  const waiting = feeds.map((feed, file) =>
    file === 0 ? failureOf(pull(feed, 1), 'SOURCE_REPLACED') : pull(feed, 1),
  );
  const [first = '', ...others] = files;
  await lake.write('other', 'another\nfile\n');
  await rename(lake.path('other'), lake.path(first));
  const error = await waiting[0];
  expect(error).toMatchObject({ fields: { path: lake.path(first) } });
  for (const name of others) await lake.append(name, 'more\n');
  await Promise.all(waiting);
});

async function waitFor(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
