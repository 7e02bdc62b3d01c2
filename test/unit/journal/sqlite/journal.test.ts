import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Journal } from '../../../../journal/port.ts';
import { openSqliteJournal, type SqliteJournalOptions } from '../../../../journal/sqlite/journal.ts';
import { failedAppend, failedRead } from '../../../../journal/sqlite/errors.ts';
import {
  chain,
  claimed,
  committed,
  identity,
  readAll,
  replayAll,
  requestsOf,
  subjectOf,
  writerOn,
} from '../fixtures.ts';

const subject = subjectOf();
let folder = '';
let file = '';
const opened: Journal[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-sqlite-'));
  file = path.join(folder, 'journal.db');
});

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  for (const child of children.splice(0)) await killed(child);
  rmSync(folder, { recursive: true, force: true });
});

async function own(options: Partial<SqliteJournalOptions> = {}): Promise<Journal> {
  const journal = await openSqliteJournal({ path: file, access: 'own', createIfMissing: true, ...options });
  opened.push(journal);
  return journal;
}

async function reader(): Promise<Journal> {
  const journal = await openSqliteJournal({ path: file, access: 'read', createIfMissing: false });
  opened.push(journal);
  return journal;
}

/** Starts a process that owns the journal and does nothing; resolves once it says so. */
async function holder(): Promise<{ child: ChildProcess; pid: number; id: string }> {
  const program = path.join(import.meta.dirname, '../../../conformance/journal/sqliteOwner.ts');
  const child = fork(program, [file, 'hold']);
  children.push(child);
  const [message] = (await once(child, 'message')) as [{ pid: number; id: string }];
  return { child, ...message };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function withDatabase(change: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(file);
  change(db);
  db.close();
}

async function filled(count: number): Promise<void> {
  const journal = await own();
  for (const bytes of chain(count)) await journal.fileRequest(subject, bytes);
  await journal.close();
}

describe('the single owner of an embedded journal', () => {
  test('a second process is refused at once and told which journal and which process', async () => {
    const { pid } = await holder();
    const refused = own();
    await expect(refused).rejects.toMatchObject({
      code: 'JOURNAL_LOCKED',
      retry: 'config',
      fields: { path: file, pid },
    });
    await expect(refused).rejects.toThrow(new RegExp(`${file}.*process ${pid}`));
  });

  test('SIGKILL frees the lock, and the journal is the same', async () => {
    const { child, id } = await holder();
    await killed(child);
    expect((await own()).id).toBe(id);
  });

  test('a second owner in the same process is refused too', async () => {
    await own();
    await expect(own()).rejects.toMatchObject({ code: 'JOURNAL_LOCKED', fields: { pid: process.pid } });
  });

  test('one journal has one owner, whichever links lead to it', async () => {
    await own();
    symlinkSync(file, path.join(folder, 'linked.db'));
    symlinkSync(folder, path.join(folder, 'here'));
    for (const name of ['linked.db', 'here/journal.db']) {
      await expect(own({ path: path.join(folder, name) })).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
    }
  });

  test('closing frees the lock', async () => {
    await (await own()).close();
    await expect(own()).resolves.toBeDefined();
  });

  test('an owner that was refused or that failed to open holds no lock', async () => {
    await expect(own({ newId: () => 'x' })).rejects.toMatchObject({ code: 'INTERNAL' });
    const first = await own();
    await expect(own()).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
    await first.close();
    await expect(own()).resolves.toBeDefined();
  });

  test('readers work and file requests while another process owns it', async () => {
    await filled(3);
    await holder();
    const journal = await reader();
    expect(await replayAll(journal, subject)).toHaveLength(3);
    await journal.fileRequest(requestsOf(), new TextEncoder().encode('please'));
    expect(await readAll(await reader(), requestsOf())).toHaveLength(1);
  });

  test('a reader cannot append', async () => {
    await filled(1);
    const journal = await reader();
    await expect(journal.append(subject, 1, new Uint8Array(1))).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await readAll(journal, subject)).toHaveLength(1);
  });
});

describe('the creation of an embedded journal', () => {
  test('makes missing folders, and a random id for each', async () => {
    const ids = new Set<string>();
    for (const name of ['a/b/c/journal.db', 'a/other.db']) {
      ids.add((await own({ path: path.join(folder, name) })).id);
    }
    expect(ids.size).toBe(2);
  });

  test('takes the id that it is given', async () => {
    expect((await own({ newId: () => 'journal-of-a-test' })).id).toBe('journal-of-a-test');
  });

  test('a crash in the middle leaves no journal: its draft is thrown away', async () => {
    writeFileSync(`${file}.draft`, 'half of something');
    writeFileSync(`${file}.draft-wal`, 'and of its log');
    await expect(reader()).rejects.toMatchObject({ code: 'JOURNAL_MISSING' });
    const journal = await own();
    expect(await readAll(journal, subject)).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.includes('draft'))).toEqual([]);
  });

  test('a missing journal is not created by a reader, nor by an owner that must find one', async () => {
    await expect(reader()).rejects.toMatchObject({ code: 'JOURNAL_MISSING', fields: { path: file } });
    const mustExist = { path: path.join(folder, 'none/journal.db'), createIfMissing: false };
    await expect(own(mustExist)).rejects.toMatchObject({ code: 'JOURNAL_MISSING' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('the log of a journal that is gone is not read into a new one', async () => {
    await filled(2);
    rmSync(file);
    writeFileSync(`${file}-wal`, 'frames of the lost journal');
    await expect(own()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(existsSync(file)).toBe(false);
  });

  test('a folder that cannot be made is named', async () => {
    writeFileSync(path.join(folder, 'a-file'), '');
    const under = own({ path: path.join(folder, 'a-file/journal.db') });
    await expect(under).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
    await expect(under).rejects.toThrow(/a-file\/journal\.db/);
  });
});

describe('a file that is no journal', () => {
  const cases: { what: string; make: () => void }[] = [
    {
      what: 'text',
      make: () => writeFileSync(file, 'these are my notes, and they are long enough'.repeat(9)),
    },
    { what: 'empty', make: () => writeFileSync(file, '') },
    { what: 'a folder', make: () => mkdirSync(file) },
    {
      what: "another program's SQLite database",
      make: () => withDatabase((db) => db.exec('CREATE TABLE notes (text TEXT); PRAGMA user_version = 1')),
    },
  ];
  test.each(cases)('$what is refused by name and left as it is', async ({ make }) => {
    make();
    for (const open of [own, reader]) {
      const opening = open();
      await expect(opening).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', fields: { path: file } });
    }
    expect(readdirSync(folder).filter((name) => !name.includes('.lock'))).toEqual(['journal.db']);
  });

  test('a journal of a newer format asks for the Tidemark that wrote it', async () => {
    await filled(1);
    withDatabase((db) => db.exec('PRAGMA user_version = 2'));
    await expect(own()).rejects.toThrow(/format 2.*format 1/);
    await expect(reader()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });
});

describe('damage inside an embedded journal', () => {
  test.each([1, 2, 3])(
    'a flipped bit in stored entry %i of 3 is found, the last one too',
    async (revision) => {
      await filled(3);
      withDatabase((db) => {
        const flip = `UPDATE entries
          SET bytes = CAST(replace(CAST(bytes AS TEXT), 'clicks', 'clicky') AS BLOB)
          WHERE revision = ?`;
        expect(db.prepare(flip).run(revision).changes).toBe(1);
      });
      await expect(replayAll(await own(), subject)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    },
  );

  test('an entry that was taken out is found', async () => {
    await filled(3);
    withDatabase((db) => db.exec('DELETE FROM entries WHERE revision = 2'));
    await expect(replayAll(await own(), subject)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });

  test('a revision is never given twice, also when the last entry was taken out', async () => {
    await filled(3);
    withDatabase((db) => db.exec('DELETE FROM entries WHERE revision = 3; UPDATE ends SET revision = 2'));
    const journal = await own();
    expect(await journal.append(subject, 2, new Uint8Array(1))).toEqual({ type: 'appended', revision: 4 });
  });
});

describe('an embedded journal that cannot be written', () => {
  test('a full disk refuses the append for now, keeps its entries, and continues with room', async () => {
    await filled(3);
    const journal = await own({ sizeBytesMax: 64 * 1024 });
    const revision = 3;
    const outcome = await journal.append(subject, revision, new Uint8Array(100_000));
    expect(outcome).toMatchObject({ type: 'refused', retryable: true, cause: { code: 'JOURNAL_FULL' } });
    const small = await journal.append(subject, revision, new Uint8Array(10));
    expect(small).toMatchObject({ type: 'appended' });
    await expect(journal.fileRequest(requestsOf(), new Uint8Array(100_000))).rejects.toThrow(/not filed/);
    await journal.close();
    expect(await readAll(await own(), subject)).toHaveLength(4);
  });

  test('a journal that is deleted, moved or replaced under its owner takes nothing more', async () => {
    for (const harm of [
      () => rmSync(file),
      () => renameSync(file, `${file}.moved`),
      () => {
        renameSync(file, `${file}.old`);
        writeFileSync(file, 'another');
      },
    ]) {
      const journal = await own();
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      harm();
      await expect(writer.append(identity(), [committed(1)])).rejects.toMatchObject({
        code: 'JOURNAL_REPLACED',
        retry: 'operator',
      });
      await journal.close();
      for (const name of readdirSync(folder)) rmSync(path.join(folder, name));
    }
  });

  test('an append that fails within its transaction leaves none open', async () => {
    const journal = await own();
    // The table takes bytes only.
    await expect(journal.append(subject, 0, 'text' as never)).rejects.toMatchObject({
      code: 'JOURNAL_CORRUPT',
    });
    expect(await journal.append(subject, 0, new Uint8Array(1))).toMatchObject({ type: 'appended' });
  });

  test('a process that holds the file busy for long makes the append wait, not fail for good', async () => {
    const journal = await own();
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const outcome = await journal.append(subject, 0, new Uint8Array(10));
    other.exec('ROLLBACK');
    other.close();
    expect(outcome).toMatchObject({
      type: 'refused',
      retryable: true,
      cause: { code: 'JOURNAL_UNAVAILABLE' },
    });
    expect(await journal.append(subject, 0, new Uint8Array(10))).toMatchObject({ type: 'appended' });
  });

  function sqliteError(errcode: number): Error {
    return Object.assign(new Error('from sqlite'), { code: 'ERR_SQLITE_ERROR', errcode });
  }

  test.each([
    { what: 'disk I/O error', errcode: 10, outcome: { type: 'unknown' } },
    { what: 'disk I/O error at fsync', errcode: 10 | (4 << 8), outcome: { type: 'unknown' } },
    { what: 'out of memory', errcode: 7, outcome: { type: 'unknown' } },
    { what: 'disk full', errcode: 13, outcome: { type: 'refused', retryable: true } },
    { what: 'busy', errcode: 5 | (2 << 8), outcome: { type: 'refused', retryable: true } },
    { what: 'read-only', errcode: 8, outcome: { type: 'refused', retryable: true } },
  ])('$what means $outcome.type', ({ errcode, outcome }) => {
    expect(failedAppend(sqliteError(errcode), file)).toMatchObject(outcome);
  });

  test('a damaged file is no outage: it stops', () => {
    for (const errcode of [11, 26]) {
      expect(() => failedAppend(sqliteError(errcode), file)).toThrow(
        expect.objectContaining({ code: 'JOURNAL_CORRUPT' }),
      );
      expect(failedRead(sqliteError(errcode), file)).toMatchObject({ code: 'JOURNAL_CORRUPT' });
    }
    expect(failedRead(sqliteError(10), file)).toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
  });
});

describe('durability', () => {
  test('every commit is synced, in a write-ahead log', async () => {
    const journal = await own();
    await journal.append(subject, 0, new Uint8Array(10));
    withDatabase((db) => {
      expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    });
    expect(existsSync(`${file}-wal`)).toBe(true);
  });
});
