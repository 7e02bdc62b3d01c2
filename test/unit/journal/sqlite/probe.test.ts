import * as nodeFs from 'node:fs/promises';
import { linkSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteJournal } from '../../../../journal/sqlite/journal.ts';
import { sqliteProbe, type ProbedFileSystem } from '../../../../journal/sqlite/probe.ts';

function place(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-sqlite-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function outcomes(file: string, fileSystem: Partial<ProbedFileSystem> = {}) {
  const probe = sqliteProbe({ path: file, scratchId: 'x', fileSystem: { ...nodeFs, ...fileSystem } });
  const found: Record<string, unknown> = {};
  for (const { id, run } of probe.checks)
    found[id] = await run(new AbortController().signal).catch((error: unknown) => String(error));
  await probe.close();
  return found;
}

async function journalIn(folder: string): Promise<string> {
  const file = path.join(folder, 'journal.db');
  await (await openSqliteJournal({ path: file, access: 'own', createIfMissing: true })).close();
  return file;
}

test('a place without a journal: everything passes, and nothing is left', async () => {
  const folder = place();
  const found = await outcomes(path.join(folder, 'a', 'b', 'journal.db'));
  for (const finding of Object.values(found)) expect(finding).toMatchObject({ howToMend: '' });
  expect(readdirSync(folder)).toEqual([]);
});

test('a journal that is owned meanwhile: everything passes', async () => {
  const folder = place();
  const file = await journalIn(folder);
  const before = readdirSync(folder);
  const owner = await openSqliteJournal({ path: file, access: 'own', createIfMissing: false });
  const found = await outcomes(file);
  await owner.close();
  expect(found).toMatchObject({
    'sqlite-file': { outcome: 'pass', found: expect.stringContaining(owner.id) as string },
    'sqlite-content': { outcome: 'pass' },
    'sqlite-write': { found: expect.stringContaining('a durable append takes') as string },
  });
  expect(readdirSync(folder)).toEqual(before);
});

test('a file that is no journal, one with two names, one that is damaged', async () => {
  const [none, named, torn] = [place(), place(), place()];
  const strange = path.join(none, 'journal.db');
  writeFileSync(strange, 'not a database');
  expect(await outcomes(strange)).toMatchObject({
    'sqlite-file': expect.stringContaining('no Tidemark journal') as string,
  });
  const file = await journalIn(named);
  linkSync(file, `${file}.2`);
  expect(await outcomes(file)).toMatchObject({ 'sqlite-file': { outcome: 'fail' } });
  const damaged = await journalIn(torn);
  writeSync(openSync(damaged, 'r+'), Buffer.alloc(4_096, 0x7f), 0, 4_096, 8_192);
  expect(await outcomes(damaged)).not.toMatchObject({ 'sqlite-content': { outcome: 'pass' } });
});

test('a folder that may not be written', async () => {
  const refuse = () => Promise.reject(Object.assign(new Error('EACCES: no'), { code: 'EACCES' }));
  expect(await outcomes(path.join(place(), 'journal.db'), { access: refuse })).toMatchObject({
    'sqlite-folder': { outcome: 'fail', howToMend: expect.stringContaining('journal.sqlite.path') as string },
  });
});

test.each([
  [0x6969, 'fail'],
  [0x01021994, 'fail'],
  [0x794c7630, 'warn'],
  [0xef53, 'pass'],
])('a file system of type %i is a %s', async (type, outcome) => {
  const statfs = (async () => ({ type, bsize: 1, bavail: 2 ** 40, files: 0, ffree: 0 })) as never;
  expect(await outcomes(path.join(place(), 'journal.db'), { statfs })).toMatchObject({
    'sqlite-file-system': { outcome },
    'sqlite-disk': { outcome: 'pass' },
  });
});
