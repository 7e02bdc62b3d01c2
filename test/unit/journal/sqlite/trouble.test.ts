import { spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Journal } from '../../../../journal/port.ts';
import { openSqliteJournal } from '../../../../journal/sqlite/journal.ts';
import { failedAppend, failedRead } from '../../../../journal/sqlite/errors.ts';
import { chain, flipBit, readAll, replayAll, requestsOf, subjectOf } from '../fixtures.ts';

const subject = subjectOf();
let folder = '';
let file = '';
const opened: Journal[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-sqlite-'));
  file = path.join(folder, 'journal.db');
});

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(access: 'own' | 'read' = 'own', at = file): Promise<Journal> {
  const journal = await openSqliteJournal({ path: at, access, createIfMissing: access === 'own' });
  opened.push(journal);
  return journal;
}

async function filled(count: number): Promise<void> {
  const journal = await open();
  for (const bytes of chain(count)) await journal.fileRequest(subject, bytes);
  await journal.close();
}

function withDatabase<T>(work: (db: DatabaseSync) => T, at = file): T {
  const db = new DatabaseSync(at);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/**
 * Opens the journal in a process that may not write a file longer than `kibibytes`: as full as a disk can be.
 */
function openOnFullDisk(kibibytes: number): { code: string; message: string } {
  const program = `
    const { openSqliteJournal } = await import(process.argv[1]);
    try {
      const journal = await openSqliteJournal({ path: process.argv[2], access: 'own', createIfMissing: true });
      await journal.close();
      console.log(JSON.stringify({ code: 'none', message: '' }));
    } catch (error) {
      console.log(JSON.stringify({ code: error.code, message: error.message }));
    }`;
  const module = path.resolve(import.meta.dirname, '../../../../journal/sqlite/journal.ts');
  const node = [process.execPath, '--input-type=module', '--eval', program, module, file];
  const limited = spawnSync('bash', ['-c', `ulimit -f ${kibibytes}; exec "$@"`, 'bash', ...node]);
  return JSON.parse(limited.stdout.toString()) as { code: string; message: string };
}

describe('an embedded journal that cannot be opened', () => {
  test.each([0, 1, 4, 8, 16, 40])(
    'where no file may be longer than %i KiB: said in our own words',
    (limit) => {
      const { code, message } = openOnFullDisk(limit);
      if (limit < 16) expect(code).not.toBe('none');
      expect(['none', 'JOURNAL_FULL', 'JOURNAL_UNAVAILABLE']).toContain(code);
      if (code !== 'none') expect(message).toContain(folder);
    },
  );

  test('a lock file that is another database is named, and nothing raw comes out', async () => {
    withDatabase((db) => db.exec('CREATE TABLE holder (who TEXT)'), `${file}.lock`);
    await expect(open()).rejects.toMatchObject({
      code: 'JOURNAL_UNAVAILABLE',
      fields: { path: `${file}.lock` },
    });
  });

  test('a lock that is a folder is named', async () => {
    mkdirSync(`${file}.lock`);
    await expect(open()).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
    await expect(open()).rejects.toThrow(`${file}.lock`);
  });

  test.each([
    ['a table is gone', 'DROP TABLE entries'],
    ['a column has another name', 'ALTER TABLE entries RENAME COLUMN sha256 TO sha257'],
    ['the id is gone', 'DELETE FROM meta'],
    ['the id is none', "UPDATE meta SET value = 'x y'"],
  ])('%s: it is damaged', async (_, harm) => {
    await filled(2);
    withDatabase((db) => db.exec(harm));
    for (const access of ['own', 'read'] as const) {
      await expect(open(access)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', fields: { path: file } });
    }
  });

  test('a journal that another job holds: the message says which key gives each its own', async () => {
    await open();
    await expect(open()).rejects.toThrow(/journal\.sqlite\.path/);
  });
});

describe('an embedded journal with several names', () => {
  test('is refused by an owner, under each of them; nothing is written', async () => {
    await filled(2);
    const other = path.join(folder, 'other.db');
    linkSync(file, other);
    for (const name of [file, other]) {
      await expect(open('own', name)).rejects.toMatchObject({ code: 'JOURNAL_LOCKED', fields: { names: 2 } });
      const reader = await open('read', name);
      await expect(reader.fileRequest(requestsOf(), new Uint8Array(1))).rejects.toMatchObject({
        code: 'JOURNAL_LOCKED',
      });
      await reader.close();
    }
    unlinkSync(other);
    expect(await replayAll(await open(), subject)).toHaveLength(2);
  });

  test('while it is owned: the second owner is refused', async () => {
    const owner = await open();
    const other = path.join(folder, 'other.db');
    linkSync(file, other);
    await expect(open('own', other)).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
    expect(await owner.append(subject, 0, new Uint8Array(1))).toMatchObject({ type: 'appended' });
  });
});

describe('an embedded journal whose tables do not agree', () => {
  const harms: readonly (readonly [string, string])[] = [
    ['the index forgets the last entry', `UPDATE entries SET subject = 'x' WHERE revision = 3`],
    ['the end that was noted is behind', 'UPDATE ends SET revision = 2'],
    ['the end that was noted is ahead', 'UPDATE ends SET revision = 30'],
    ['the end was not noted', 'DELETE FROM ends'],
    ['the next revision is out of all bounds', 'UPDATE sqlite_sequence SET seq = 9007199254740993'],
  ];
  test.each(harms)('%s: no append is taken, and it is said at once', async (_, harm) => {
    await filled(3);
    withDatabase((db) => db.exec(harm));
    const journal = await open();
    const appending = async (): Promise<unknown> => journal.append(subject, 3, new Uint8Array(1));
    await expect(appending()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', fields: { path: file } });
    withDatabase((db) => {
      expect(db.prepare('SELECT count(*) AS count FROM entries').get()).toEqual({ count: 3 });
    });
  });

  test.each(harms.slice(0, 4))('%s: it is not read as a shorter one either', async (_, harm) => {
    await filled(3);
    withDatabase((db) => db.exec(harm));
    await expect(readAll(await open('read'), subject)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });

  test('no bit of the index makes a subject disappear from the list of them', async () => {
    const journal = await open();
    const subjects = ['a', 'b', 'c'].map((topic) => subjectOf(topic));
    for (const bytes of chain(14)) for (const of of subjects) await journal.fileRequest(of, bytes);
    await journal.close();
    const [pageBytes, page] = withDatabase((db) => [
      Number(db.prepare('PRAGMA page_size').get()?.['page_size']),
      Number(
        db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'entries_by_subject'").get()?.[
          'rootpage'
        ],
      ),
    ]);
    const sound = readFileSync(file);
    const listed = async (): Promise<readonly string[] | 'damaged'> => {
      try {
        return await (await open('read')).subjects('');
      } catch (error) {
        expect(error).toMatchObject({ code: 'JOURNAL_CORRUPT' });
        return 'damaged';
      }
    };
    let survived = 0;
    for (let at = (page - 1) * pageBytes; at < page * pageBytes; at += 23) {
      writeFileSync(file, flipBit(sound, at));
      const found = await listed();
      await opened.pop()?.close();
      if (found === 'damaged') continue;
      survived += 1;
      expect(found, `the lowest bit of byte ${at}`).toEqual(expect.arrayContaining(subjects));
    }
    expect(survived).toBeGreaterThan(0);
  });

  test('bytes that became another type are damage, not an outage', async () => {
    await filled(3);
    // A table that takes any type, as one flipped bit in its definition makes it.
    const bytes = readFileSync(file);
    const at = bytes.indexOf('STRICT', bytes.indexOf('CREATE TABLE entries'));
    writeFileSync(file, bytes.fill(' ', at, at + 'STRICT'.length));
    withDatabase((db) => db.exec('UPDATE entries SET sha256 = 7 WHERE revision = 2'));
    await expect(readAll(await open('read'), subject)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });
});

describe('the write-ahead log of an embedded journal', () => {
  const logBytes = (): number => statSync(`${file}-wal`).size;

  async function fill(journal: Journal, entries: number): Promise<void> {
    for (let entry = 0; entry < entries; entry += 1)
      await journal.fileRequest(requestsOf(), new Uint8Array(50_000).fill(entry % 251));
  }

  test('stays small however much is written', async () => {
    const journal = await open();
    await fill(journal, 400);
    expect(logBytes()).toBeLessThan(8 * 1024 * 1024);
  });

  test('grows behind a reader that lasts, and is small again when that has gone', async () => {
    const journal = await open();
    await fill(journal, 1);
    const reader = new DatabaseSync(file);
    reader.exec('BEGIN; SELECT count(*) FROM entries');
    await fill(journal, 400);
    expect(logBytes()).toBeGreaterThan(16 * 1024 * 1024);
    reader.close();
    await fill(journal, 2);
    expect(logBytes()).toBeLessThan(8 * 1024 * 1024);
  });

  test('that a reader kept when the owner closed is gone when the next one closes', async () => {
    const journal = await open();
    const reader = new DatabaseSync(file);
    reader.exec('BEGIN; SELECT count(*) FROM entries');
    await fill(journal, 400);
    await journal.close();
    reader.close();
    await (await open()).close();
    expect(existsSync(`${file}-wal`)).toBe(false);
  });
});

describe('an embedded journal without a list of ends, as 0.1.0 left it', () => {
  const ends = (): unknown =>
    withDatabase((db) =>
      db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('ends', 'entries_end')").all(),
    );

  async function withoutEnds(): Promise<void> {
    await filled(3);
    withDatabase((db) => db.exec('DROP TRIGGER entries_end; DROP TABLE ends'));
  }

  test('is read as it is, and requests are filed in it', async () => {
    await withoutEnds();
    const reader = await open('read');
    expect(await replayAll(reader, subject)).toHaveLength(3);
    await reader.fileRequest(requestsOf(), new Uint8Array(1));
    expect(ends()).toEqual([]);
  });

  test('gets one from its owner, and continues in place', async () => {
    await withoutEnds();
    const owner = await open();
    expect(await owner.append(subject, 3, new Uint8Array(1))).toMatchObject({
      type: 'appended',
      revision: 4,
    });
    expect(await readAll(await open('read'), subject)).toHaveLength(4);
    const noted = withDatabase((db) => db.prepare('SELECT * FROM ends').all());
    expect(noted).toEqual([{ subject, revision: 4, entries: 4 }]);
  });
});

describe('what SQLite and the file system say', () => {
  const sqliteError = (errcode: number): Error =>
    Object.assign(new Error('from sqlite'), { code: 'ERR_SQLITE_ERROR', errcode });

  test.each([1, 11, 17, 19, 20, 26])(
    'code %i at an append is damage: no later attempt can help',
    (errcode) => {
      expect(() => failedAppend(sqliteError(errcode), file)).toThrow(
        expect.objectContaining({ code: 'JOURNAL_CORRUPT' }),
      );
      expect(failedRead(sqliteError(errcode), file)).toMatchObject({ code: 'JOURNAL_CORRUPT' });
    },
  );

  test.each([7, 10, 10 | (4 << 8)])('code %i is unknown, with a cause of ours', (errcode) => {
    expect(failedAppend(sqliteError(errcode), file)).toMatchObject({
      ...{ type: 'unknown', cause: { code: 'JOURNAL_UNAVAILABLE', fields: { path: file } } },
    });
  });

  test('no room is JOURNAL_FULL, whoever says so', () => {
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'mkdir' });
    for (const error of [sqliteError(13), full]) {
      expect(failedRead(error, file)).toMatchObject({ code: 'JOURNAL_FULL', retry: 'transient' });
    }
  });

  test('a number that JavaScript cannot hold is damage', () => {
    const error = Object.assign(new RangeError('too large'), { code: 'ERR_OUT_OF_RANGE' });
    expect(failedRead(error, file)).toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(() => failedAppend(error, file)).toThrow(expect.objectContaining({ code: 'JOURNAL_CORRUPT' }));
  });
});

test('a file beside the journal that cannot be looked at is named', async () => {
  const notes = path.join(folder, 'notes');
  writeFileSync(notes, '');
  await expect(open('read', path.join(notes, 'journal.db'))).rejects.toMatchObject({
    code: 'JOURNAL_MISSING',
  });
});
