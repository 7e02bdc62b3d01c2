import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkCopy } from '../../../../journal/backup/checkedCopy.ts';
import { createMemoryBacking, createMemoryJournal } from '../../../../journal/memory/journal.ts';
import type { Journal } from '../../../../journal/port.ts';
import { importSqlite, type SqliteImport } from '../../../../journal/sqlite/import.ts';
import { openSqliteJournal } from '../../../../journal/sqlite/journal.ts';
import { jobSubject } from '../../../../journal/subjects.ts';
import { claimed, identity, JOB, readAll, replayAll, requestsOf, subjectOf, writerOn } from '../fixtures.ts';
import { exported, fillWithRequests, NOT_ABORTED, noProgress, requestBytes, withCopy } from '../imported.ts';

const subject = subjectOf();
let folder = '';
let target = '';
let file = '';
const opened: Journal[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-import-'));
  target = path.join(folder, 'new', 'journal.db');
  file = path.join(folder, 'clicks.journal');
});

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  rmSync(folder, { recursive: true, force: true });
});

async function own(at = target): Promise<Journal> {
  const journal = await openSqliteJournal({ path: at, access: 'own', createIfMissing: false });
  opened.push(journal);
  return journal;
}

/** As a stream numbers its messages after a restore: far from 1. */
async function original(entries = 5) {
  const journal = createMemoryJournal({ backing: createMemoryBacking() });
  for (let filed = 0; filed < 40; filed += 1)
    await journal.fileRequest(requestsOf('other'), requestBytes('roll'));
  const requests = await fillWithRequests(journal, entries);
  await exported(journal, file);
  return { journal, requests };
}

const imported = (options: Partial<SqliteImport> = {}) =>
  withCopy(file, (copy) =>
    importSqlite({
      ...{ path: target, copy, signal: NOT_ABORTED, onProgress: noProgress, onWarning: noProgress },
      ...options,
    }),
  );

describe('an import into an embedded journal', () => {
  test('keeps its id, every entry, revision and request; the next request counts on', async () => {
    const { journal, requests } = await original();
    const found = await imported();
    expect(found).toMatchObject({
      journalId: journal.id,
      partitions: 1,
      requestsLeftOut: 0,
      entriesThere: 0,
    });
    const copy = await own();
    expect(copy.id).toBe(journal.id);
    expect(await copy.subjects('')).toEqual(await journal.subjects(''));
    for (const each of [subject, requestsOf(), jobSubject(JOB)])
      expect(await readAll(copy, each)).toEqual(await readAll(journal, each));
    expect(await replayAll(copy, subject)).toEqual(await replayAll(journal, subject));
    const waiting = [];
    for await (const batch of copy.requests(requestsOf(), requests.answered)) waiting.push(...batch);
    expect(waiting.map(({ revision }) => revision)).toEqual([requests.waiting]);
    const last = (await replayAll(copy, subject)).at(-1)?.tail;
    await writerOn(copy, subject, last).append(identity(2), [claimed(2)]);
    expect(await copy.fileRequest(requestsOf(), requestBytes('roll'))).toBeGreaterThan(requests.waiting);
    expect(readdirSync(path.dirname(target)).filter((name) => name.includes('import'))).toEqual([]);
  });

  test('a request is filed above those that were answered, whatever revisions entries have', async () => {
    const journal = createMemoryJournal({ backing: createMemoryBacking() });
    const answered = { type: 'rollRequested', requestId: 5_000 } as const;
    await writerOn(journal, subject).append(identity(), [claimed(), answered]);
    await exported(journal, file);
    await imported();
    expect(await (await own()).fileRequest(requestsOf(), requestBytes('roll'))).toBe(5_001);
  });

  test('refuses a journal that is there, its log, and one that is owned', async () => {
    await original();
    await imported();
    const whole = readFileSync(target);
    await expect(imported()).rejects.toMatchObject({ code: 'REQUEST_REFUSED', fields: { path: target } });
    expect(readFileSync(target).equals(whole)).toBe(true);
    const owner = await own();
    await expect(imported()).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
    await owner.close();
    rmSync(target);
    writeFileSync(`${target}-wal`, 'left');
    await expect(imported()).rejects.toMatchObject({ code: 'REQUEST_REFUSED' });
    expect(existsSync(target)).toBe(false);
  });

  test('refuses an entry that has no room, and names it; nothing is written', async () => {
    await original();
    await expect(imported({ entryBytesMax: 100 })).rejects.toMatchObject({
      code: 'JOURNAL_ENTRY_TOO_LARGE',
      message: expect.stringMatching(/entry of clicks\.\S+ at revision \d+ .* Nothing was written/) as string,
    });
    expect(existsSync(path.dirname(target))).toBe(false);
  });

  test.each([1, 3])('interrupted at batch %i: nothing is left, and it is imported again', async (batch) => {
    await original(3_000);
    const stop = new AbortController();
    let batches = 0;
    const onProgress = (): void => {
      batches += 1;
      if (batches === batch) stop.abort();
    };
    await expect(imported({ signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: 'JOURNAL_IMPORT_UNFINISHED',
      message: 'The import was interrupted. Nothing was written.',
    });
    expect(readdirSync(path.dirname(target))).toEqual(['journal.db.lock']);
    expect(await imported()).toMatchObject({ partitions: 1 });
  });

  test('killed: no owner and no reader takes what is left, and the next import does', async () => {
    const { journal } = await original(3_000);
    const script = path.resolve(import.meta.dirname, '../killedImport.ts');
    const { signal } = spawnSync(process.execPath, [script, 'sqlite', file, target, '1000']);
    expect(signal).toBe('SIGKILL');
    expect(existsSync(target)).toBe(false);
    for (const access of ['own', 'read'] as const)
      await expect(openSqliteJournal({ path: target, access, createIfMissing: false })).rejects.toMatchObject(
        {
          code: 'JOURNAL_IMPORT_UNFINISHED',
          message: expect.stringContaining('run it again') as string,
        },
      );
    await imported();
    expect(await replayAll(await own(), subject)).toEqual(await replayAll(journal, subject));
  });

  test('a file that was changed after it was checked is refused, and nothing is left', async () => {
    const journal = createMemoryJournal({ backing: createMemoryBacking() });
    await fillWithRequests(journal, 5);
    const checking = { file, job: JOB, onProgress: noProgress, signal: NOT_ABORTED };
    const copy = await checkCopy(journal, checking);
    await journal.fileRequest(requestsOf(), requestBytes('roll'));
    const importing = {
      path: target,
      copy,
      signal: NOT_ABORTED,
      onProgress: noProgress,
      onWarning: noProgress,
    };
    await expect(importSqlite(importing)).rejects.toMatchObject({
      code: 'JOURNAL_CORRUPT',
      message: expect.stringContaining('was changed while it was imported') as string,
    });
    expect(readdirSync(path.dirname(target))).toEqual(['journal.db.lock']);
  });
});
