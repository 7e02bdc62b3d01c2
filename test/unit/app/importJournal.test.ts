/** What an import refuses before a kind of journal is asked for anything. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { jobName } from '../../../journal/ids.ts';
import { createMemoryBacking, createMemoryJournal } from '../../../journal/memory/journal.ts';
import { openFilePresence } from '../../../journal/sqlite/presence.ts';
import { backend } from '../../../src/app/application.ts';
import type { ImportOptions, ImportProgress } from '../../../src/app/contract.ts';
import { loadJobConfig } from '../../../src/app/jobFile/loadJobConfig.ts';
import type { JobConfig } from '../../../src/config/jobConfig.ts';
import { encodePresence, NO_JOURNAL_YET, type PresenceFacts } from '../../../src/presence/record.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { exported, fillWithRequests, NOT_ABORTED, noProgress } from '../journal/imported.ts';

const JOB = `job: clicks
source: { file: { path: clicks.ndjson } }
sink: { path: lake }
bucket: { by: none }
`;

let folder = '';
/** What the one run of this process has left, and its export. */
let original: JobConfig;
let originalFile = '';

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-import-'));
  writeFileSync(path.join(folder, 'clicks.ndjson'), 'one\ntwo\nthree\n');
  writeFileSync(path.join(folder, 'job.yaml'), JOB);
  original = load();
  originalFile = path.join(folder, 'clicks.journal');
  const common = { log: silentLog, onProgress: noProgress };
  await backend.runJob(original, { ...common, untilEnd: true, moves: [], signal: NOT_ABORTED });
  await backend.exportJournal(original, { ...common, file: originalFile, force: false });
  return () => rmSync(folder, { recursive: true });
});

function load(...overrides: string[]): JobConfig {
  return loadJobConfig({ path: 'job.yaml', overrides, env: {}, cwd: folder });
}

/** How the export is imported to a place of its own. */
function newPlace() {
  const target = path.join(mkdtempSync(path.join(folder, 'new-')), 'journal.db');
  const config = load(`journal.sqlite.path=${target}`);
  const importing = (options: Partial<ImportOptions> = {}) =>
    backend.importJournal(config, {
      ...{ file: originalFile, log: silentLog, signal: NOT_ABORTED, onProgress: noProgress },
      ...options,
    });
  return { target, config, importing };
}

const NO_ANSWER = { state: 'unknown', code: null, message: null, sinceMs: 0, atMs: 0 } as const;
const LIVING: PresenceFacts = {
  ...{ v: 1, id: 'abc', job: 'clicks', journalId: NO_JOURNAL_YET, host: 'somewhere', pid: 77, version: '1' },
  ...{ startedAtMs: 0, partitions: [], conditions: [], answers: [] },
  dependencies: { source: NO_ANSWER, journal: NO_ANSWER, destination: NO_ANSWER },
};

describe('the import of a journal', () => {
  test('verifies, checks, then writes; the audit says the same of the new journal', async () => {
    const { config, importing } = newPlace();
    const phases: ImportProgress['phase'][] = [];
    const found = await importing({ onProgress: ({ phase }) => phases.push(phase) });
    expect(found).toMatchObject({ partitions: 1, entriesThere: 0, requestsLeftOut: 0 });
    expect(phases.indexOf('importing')).toBeGreaterThan(phases.lastIndexOf('verifying'));
    const auditing = {
      ...{ moved: () => false, deep: false, journalFile: null },
      ...{ log: silentLog, onProgress: noProgress },
    };
    const before = await backend.auditJob(original, auditing);
    expect(before.verdict).toBe('clean');
    expect(await backend.auditJob(config, auditing)).toEqual(before);
  });

  test('refuses a whole file whose journal no owner can have written', async () => {
    const { target, importing } = newPlace();
    const file = path.join(folder, 'forged.journal');
    const forged = createMemoryJournal({ backing: createMemoryBacking() });
    await fillWithRequests(forged, 5);
    await exported(forged, file);
    await expect(importing({ file })).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
      fields: { verdict: 'damaged', finding: 'TRANSITION_ILLEGAL' },
      message: expect.stringContaining('Nothing was written') as string,
    });
    expect(existsSync(target)).toBe(false);
  });

  test('refuses where a coordinator of the job lives beside the new journal', async () => {
    const { target, importing } = newPlace();
    const board = openFilePresence(target);
    const key = { job: jobName('clicks'), coordinatorId: 'abc' };
    await board.keep(key, encodePresence(LIVING, 10_000));
    await expect(importing()).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
      fields: { host: 'somewhere', pid: 77 },
    });
    expect(existsSync(target)).toBe(false);
    await board.remove(key);
    expect(await importing()).toMatchObject({ partitions: 1 });
  });

  test.each([true, false])('interrupted (before it begins: %s): nothing is written', async (isEarly) => {
    const { target, importing } = newPlace();
    const stop = new AbortController();
    if (isEarly) stop.abort();
    const onProgress = ({ phase }: ImportProgress): void => {
      if (phase === 'verifying') stop.abort();
    };
    await expect(importing({ signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: 'JOURNAL_IMPORT_UNFINISHED',
      message: 'The import was interrupted. Nothing was written.',
    });
    expect(existsSync(target)).toBe(false);
  });
});
