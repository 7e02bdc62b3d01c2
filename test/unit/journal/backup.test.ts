import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobName } from '../../../journal/ids.ts';
import type { Journal } from '../../../journal/port.ts';
import { openSqliteJournal } from '../../../journal/sqlite/journal.ts';
import { backupSqlite, restoreSqlite } from '../../../journal/sqlite/backup.ts';
import {
  chain,
  claimed,
  committed,
  flipBit,
  identity,
  JOB,
  readAll,
  replayAll,
  subjectOf,
  writerOn,
} from './fixtures.ts';

const subject = subjectOf();
let folder = '';
let file = '';
let backup = '';
const opened: Journal[] = [];
const onProgress = (): void => undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-backup-'));
  file = path.join(folder, 'journal.db');
  backup = path.join(folder, 'backups.db');
});

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  rmSync(folder, { recursive: true, force: true });
});

async function own(at = file): Promise<Journal> {
  const journal = await openSqliteJournal({ path: at, access: 'own', createIfMissing: true });
  opened.push(journal);
  return journal;
}

async function filled(count: number): Promise<Journal> {
  const journal = await own();
  for (const bytes of chain(count)) await journal.fileRequest(subject, bytes);
  return journal;
}

const toFile = (options: { force?: boolean; job?: typeof JOB } = {}) =>
  backupSqlite({ path: file, file: backup, job: JOB, force: false, onProgress, ...options });
const restored = (at: string, from = backup) => restoreSqlite({ path: at, file: from, job: JOB, onProgress });

describe('a backup of an embedded journal', () => {
  test('of one that is written meanwhile: restored elsewhere it is a prefix, of the same id', async () => {
    const owner = await own();
    const writer = writerOn(owner, subject);
    await writer.append(identity(), [claimed()]);
    const over = new AbortController();
    const load = (async () => {
      for (let number = 1; !over.signal.aborted; number += 1) {
        await writer.append(identity(), [committed(number)]);
        await new Promise((turn) => setImmediate(turn));
      }
    })();
    const before = writer.tail.seq;
    const found = await toFile();
    const after = writer.tail.seq;
    over.abort();
    await load;
    expect(after).toBeGreaterThan(before);
    expect(found).toMatchObject({ journalId: owner.id, partitions: 1 });
    expect(found.entries).toBeGreaterThanOrEqual(before);
    const elsewhere = path.join(folder, 'elsewhere', 'journal.db');
    expect(await restored(elsewhere)).toEqual(found);
    const journal = await own(elsewhere);
    expect(journal.id).toBe(owner.id);
    const whole = await replayAll(owner, subject);
    const copy = await replayAll(journal, subject);
    expect(copy).toEqual(whole.slice(0, found.entries));
    expect(
      await writerOn(journal, subject, copy.at(-1)?.tail).append(identity(2), [claimed(2)]),
    ).toMatchObject({
      seq: found.entries + 1,
    });
  });

  test('holds what only the log of the running journal holds, as a plain copy does not', async () => {
    await filled(30);
    const plain = path.join(folder, 'plain.db');
    copyFileSync(file, plain);
    const copied = await openSqliteJournal({ path: plain, access: 'read', createIfMissing: false });
    opened.push(copied);
    expect(await readAll(copied, subject)).toEqual([]);
    expect(await toFile()).toMatchObject({ entries: 30 });
  });

  test('never takes the place of a file, unless it is told to', async () => {
    await filled(2);
    writeFileSync(backup, 'mine');
    await expect(toFile()).rejects.toMatchObject({ code: 'REQUEST_REFUSED', fields: { path: backup } });
    expect(readFileSync(backup, 'utf8')).toBe('mine');
    expect(await toFile({ force: true })).toMatchObject({ entries: 2 });
    expect(await restored(path.join(folder, 'again.db'))).toMatchObject({ entries: 2 });
  });

  test('onto the journal itself is refused, also with force', async () => {
    await filled(2);
    const onto = { path: file, file, job: JOB, force: true, onProgress };
    await expect(backupSqlite(onto)).rejects.toMatchObject({ code: 'REQUEST_REFUSED' });
  });

  test.each(['bytes', 'chain'])('of one whose %s are damaged: refused, and no file is left', async (kind) => {
    const sound = chain(5);
    const entries =
      kind === 'chain' ? sound.toSpliced(2, 1) : sound.with(3, flipBit(sound[3] ?? new Uint8Array()));
    const owner = await own();
    for (const bytes of entries) await owner.fileRequest(subject, bytes);
    await expect(toFile()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(readdirSync(folder).filter((name) => name.startsWith('backups'))).toEqual([]);
  });

  test('for another job is refused', async () => {
    await filled(2);
    await expect(toFile({ job: jobName('other') })).rejects.toMatchObject({ code: 'REQUEST_REFUSED' });
  });
});

describe('restoring an embedded journal', () => {
  test('where there is one, or its log, or an owner: refused, and nothing is changed', async () => {
    const owner = await filled(3);
    await toFile();
    await expect(restored(file)).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
    await owner.close();
    await expect(restored(file)).rejects.toMatchObject({ code: 'REQUEST_REFUSED', fields: { path: file } });
    rmSync(file);
    writeFileSync(`${file}-wal`, 'frames of the lost journal');
    await expect(restored(file)).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
      fields: { path: `${file}-wal` },
    });
    rmSync(`${file}-wal`);
    expect(existsSync(file)).toBe(false);
    expect(await restored(file)).toMatchObject({ entries: 3 });
  });

  test('a backup that is damaged or cut: refused, and no journal is left', async () => {
    await filled(50);
    await toFile();
    const bytes = readFileSync(backup);
    const at = path.join(folder, 'again', 'journal.db');
    const entry = bytes.lastIndexOf('"epochClaimed"');
    const harms = [
      bytes.subarray(0, Math.floor(bytes.byteLength / 2)),
      flipBit(bytes, entry),
      Buffer.from('{}'),
    ];
    for (const harm of harms) {
      writeFileSync(backup, harm);
      await expect(restored(at)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
      expect(readdirSync(path.dirname(at)).filter((name) => !name.endsWith('.lock'))).toEqual([]);
    }
  });

  test('from a file that is not there is said so', async () => {
    await expect(restored(file, path.join(folder, 'none.db'))).rejects.toMatchObject({
      code: 'JOURNAL_MISSING',
    });
  });
});
