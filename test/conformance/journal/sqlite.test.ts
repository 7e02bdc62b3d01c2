import { fork } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe } from 'vitest';
import type { Subject } from '../../../journal/ids.ts';
import type { AppendOutcome, Journal } from '../../../journal/port.ts';
import type { Tail } from '../../../journal/replay.ts';
import { openSqliteJournal } from '../../../journal/sqlite/journal.ts';
import { journalConformance } from './suite.ts';
import type { JournalWorld, LossyJournal } from './world.ts';

async function sqliteWorld(): Promise<JournalWorld> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-journal-'));
  const file = path.join(folder, 'journal.db');
  const opened: Journal[] = [];
  let owner: Journal | null = null;
  const open = async (): Promise<Journal> => {
    await owner?.close();
    owner = await openSqliteJournal({ path: file, access: 'own', createIfMissing: true });
    opened.push(owner);
    return owner;
  };
  const openReader = async (): Promise<Journal> => {
    const reader = await openSqliteJournal({ path: file, access: 'read', createIfMissing: false });
    opened.push(reader);
    return reader;
  };
  return {
    open,
    openRival: async () => owner ?? open(),
    openReader,
    openLossy: async () => lossy(await open()),
    store: async (subject, entries) => storeAtOnce(file, subject, entries),
    appendThroughCrash: async (subject) => {
      await (await open()).close();
      return appendInKilledProcess(file, subject);
    },
    recreate: async () => {
      for (const journal of opened) await journal.close();
      for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
    },
    [Symbol.asyncDispose]: async () => {
      for (const journal of opened) await journal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** There is no wire to cut: the call is made or not, and its result is withheld. */
function lossy(journal: Journal): LossyJournal {
  let next: { readonly reaches: boolean; readonly met: () => void } | null = null;
  const lose = (reaches: boolean) => (): Promise<void> => new Promise((met) => (next = { reaches, met }));
  const withLosses: Journal = {
    id: journal.id,
    entryBytesMax: journal.entryBytesMax,
    append: async (subject, expected, bytes): Promise<AppendOutcome> => {
      const loss = next;
      next = null;
      if (loss === null) return journal.append(subject, expected, bytes);
      if (loss.reaches) await journal.append(subject, expected, bytes);
      loss.met();
      return { type: 'unknown', cause: new Error('lost') };
    },
    read: (subject, after) => journal.read(subject, after),
    subjects: (prefix) => journal.subjects(prefix),
    requests: (subject, after) => journal.requests(subject, after),
    fileRequest: (subject, bytes) => journal.fileRequest(subject, bytes),
    writeSnapshot: (subject, bytes) => journal.writeSnapshot(subject, bytes),
    snapshots: (subject) => journal.snapshots(subject),
    close: () => journal.close(),
  };
  return { journal: withLosses, loseNextReply: lose(true), loseNextRequest: lose(false) };
}

function storeAtOnce(file: string, subject: Subject, entries: readonly Uint8Array[]): void {
  const db = new DatabaseSync(file);
  const insert = db.prepare('INSERT INTO entries (subject, sha256, bytes) VALUES (?, ?, ?)');
  db.exec('BEGIN');
  for (const bytes of entries) insert.run(subject, hash('sha256', bytes, 'buffer'), bytes);
  db.exec('COMMIT');
  db.close();
}

/** A process of its own appends and reports; it is killed after some reports, while it continues. */
async function appendInKilledProcess(file: string, subject: Subject): Promise<readonly Tail[]> {
  const child = fork(path.join(import.meta.dirname, 'sqliteOwner.ts'), [file, 'append', subject]);
  const acknowledged: Tail[] = [];
  child.on('message', (tail) => {
    acknowledged.push(tail as Tail);
    if (acknowledged.length === 20) child.kill('SIGKILL');
  });
  await once(child, 'exit');
  return acknowledged;
}

describe('the SQLite journal', () => {
  journalConformance(sqliteWorld);
});
