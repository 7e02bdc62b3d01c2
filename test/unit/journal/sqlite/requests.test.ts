/**
 * Requests of an embedded journal: a damaged file gives all of them or says that it is damaged, and never
 * hides one.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Subject } from '../../../../journal/ids.ts';
import type { Journal } from '../../../../journal/port.ts';
import { openSqliteJournal } from '../../../../journal/sqlite/journal.ts';
import { chain, replayAll, requestsOf, subjectOf } from '../fixtures.ts';

let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-requests-'));
  file = path.join(folder, 'journal.db');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const TOPICS = ['a', 'b', 'c'] as const;
const REQUESTS = 4;
const textOf = (topic: string, number: number): string => `request ${number} of ${topic}`;

/** Entries of three partitions, and between them requests for each. */
async function filled(): Promise<void> {
  await using journal = await owner();
  for (const [number, bytes] of chain(REQUESTS).entries())
    for (const topic of TOPICS) {
      await journal.fileRequest(subjectOf(topic), bytes);
      await journal.fileRequest(requestsOf(topic), Buffer.from(textOf(topic, number)));
    }
}

async function owner() {
  const journal = await openSqliteJournal({ path: file, access: 'own', createIfMissing: true });
  return Object.assign(journal, { [Symbol.asyncDispose]: () => journal.close() });
}

function withDatabase<T>(work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** Where the page lies that a table or an index begins with. */
const pageOf = (name: string): { readonly from: number; readonly to: number } =>
  withDatabase((db) => {
    const bytes = Number(db.prepare('PRAGMA page_size').get()?.['page_size']);
    const root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)?.['rootpage'];
    return { from: (Number(root) - 1) * bytes, to: Number(root) * bytes };
  });

async function requestsIn(journal: Journal, subject: Subject, after = 0): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of journal.requests(subject, after))
    found.push(...batch.map(({ bytes }) => Buffer.from(bytes).toString()));
  return found;
}

/** Null where the journal says that it is damaged. */
async function unlessDamaged<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    expect(error).toMatchObject({ code: 'JOURNAL_CORRUPT' });
    return null;
  }
}

const reader = (): Promise<Journal> =>
  openSqliteJournal({ path: file, access: 'read', createIfMissing: false });

const NUMBERS = Array.from({ length: REQUESTS }, (_, number) => number);

/** Whether anything could be read. */
async function judge(where: string): Promise<boolean> {
  const journal = await unlessDamaged(reader());
  if (journal === null) return false;
  let isRead = false;
  for (const topic of TOPICS) {
    const requests = await unlessDamaged(requestsIn(journal, requestsOf(topic)));
    if (requests !== null) expect(requests, where).toEqual(NUMBERS.map((number) => textOf(topic, number)));
    const entries = await unlessDamaged(replayAll(journal, subjectOf(topic)));
    if (entries !== null) expect(entries.length, where).toBe(REQUESTS);
    isRead ||= requests !== null && entries !== null;
  }
  await journal.close();
  return isRead;
}

describe('one flipped bit', () => {
  /** Of an entry's page most bytes are the entry's own, which its hash covers: a few of these will do. */
  test.each([
    ['entries_by_subject', 1],
    ['ends', 1],
    ['entries', 7],
  ])(
    'in %s: every request and every entry is read, or the journal is damaged',
    async (name, step) => {
      await filled();
      const sound = readFileSync(file);
      const { from, to } = pageOf(name);
      let survived = 0;
      for (let at = from; at < to; at += step) {
        // What no cell covers may be anything.
        if (sound[at] === 0) continue;
        const flipped = Uint8Array.from(sound);
        flipped[at] = (sound[at] ?? 0) ^ (1 << ((at * 5) % 8));
        writeFileSync(file, flipped);
        if (await judge(`byte ${at - from}`)) survived += 1;
      }
      // Else the bits told nothing apart.
      expect(survived).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe('a journal that notes no numbers of entries yet', () => {
  const revisionsAlone = (): void =>
    withDatabase((db) => {
      db.exec('DROP TRIGGER entries_end; ALTER TABLE ends DROP COLUMN entries');
      db.exec(`CREATE TRIGGER entries_end AFTER INSERT ON entries BEGIN
        INSERT OR REPLACE INTO ends VALUES (new.subject, new.revision); END`);
    });

  test('is read and filed in as it is, and its owner counts', async () => {
    await filled();
    revisionsAlone();
    const before = await reader();
    await before.fileRequest(requestsOf('a'), Buffer.from('one more'));
    expect(await requestsIn(before, requestsOf('a'), 22)).toEqual(['one more']);
    await before.close();
    await (await owner()).close();
    const counts = withDatabase((db) =>
      db.prepare('SELECT subject, entries FROM ends ORDER BY subject').all(),
    );
    expect(counts).toEqual(
      withDatabase((db) =>
        db
          .prepare('SELECT subject, count(*) AS entries FROM entries GROUP BY subject ORDER BY subject')
          .all(),
      ),
    );
    withDatabase((db) => db.exec(`UPDATE ends SET entries = entries + 1`));
    const after = await reader();
    await expect(requestsIn(after, requestsOf('a'))).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    await after.close();
  });
});
