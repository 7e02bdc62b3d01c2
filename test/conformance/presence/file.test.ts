import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile, mkdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { jobName } from '../../../journal/ids.ts';
import { openFilePresence } from '../../../journal/sqlite/presence.ts';
import { presenceConformance } from './suite.ts';

async function folder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'tidemark-presence-'));
}

presenceConformance(async () => {
  const place = await folder();
  return {
    coordinators: 'one',
    open: async () => openFilePresence(path.join(place, 'journal.db')),
    [Symbol.asyncDispose]: () => rm(place, { recursive: true }),
  };
});

const key = { job: jobName('clicks'), coordinatorId: 'a'.repeat(32) };

test('a record that cannot be written leaves nothing behind, and the one before stays', async () => {
  const place = await folder();
  onTestFinished(() => rm(place, { recursive: true }));
  const journal = path.join(place, 'journal.db');
  await mkdir(`${journal}.presence`);
  await expect(openFilePresence(journal).keep(key, new Uint8Array(3))).rejects.toThrow(/EISDIR/);
  expect(await readdir(place)).toEqual(['journal.db.presence']);
  await rmdir(`${journal}.presence`);
  await openFilePresence(journal).keep(key, new Uint8Array(3));
  expect(await readdir(place)).toEqual(['journal.db.presence']);
});

test('a file of somebody else is no record', async () => {
  const place = await folder();
  onTestFinished(() => rm(place, { recursive: true }));
  const journal = path.join(place, 'journal.db');
  await writeFile(`${journal}.presence`, 'not ours');
  const board = openFilePresence(journal);
  expect(await board.read(key.job)).toEqual([]);
  await board.remove(key);
  expect(existsSync(`${journal}.presence`)).toBe(true);
});

test('the folder is made where it is missing, at the first record and at any later one', async () => {
  const place = await folder();
  onTestFinished(() => rm(place, { recursive: true }));
  const journal = path.join(place, 'not', 'yet', 'journal.db');
  const board = openFilePresence(journal);
  for (const length of [3, 4]) {
    await board.keep(key, new Uint8Array(length));
    expect(await board.read(key.job)).toMatchObject([{ bytes: Buffer.alloc(length) }]);
    await rm(path.join(place, 'not'), { recursive: true });
  }
});
