/**
 * A store, a journal and a bucket rule that live here alone: nothing in src/ knows them, and a whole job runs
 * on them.
 */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { BucketConfig, BucketRule } from '../../../actors/buckets/rule.ts';
import type { JournalConfig, JournalKind } from '../../../journal/kind.ts';
import { createMemoryBacking, createMemoryJournal } from '../../../journal/memory/journal.ts';
import { createMemoryPresence, createPresenceBacking } from '../../../journal/memory/presence.ts';
import { map } from '../../../kernels/schema/parts.ts';
import { text } from '../../../kernels/schema/values.ts';
import { createBackend } from '../../../src/app/application.ts';
import { configFingerprint } from '../../../src/app/fingerprint.ts';
import { jobJsonSchema } from '../../../src/app/jobFile/keys.ts';
import { JOB_KINDS, type JobKinds } from '../../../src/app/registeredKinds.ts';
import { loadJobConfig } from '../../../src/app/jobFile/loadJobConfig.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { validateCommand } from '../../../src/cli/commands/validate.ts';
import { hasCode } from '../../../journal/errors.ts';
import type { JobConfig, SinkConfig } from '../../../src/config/jobConfig.ts';
import type { StoreKind } from '../../../src/stores/kind.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { byTime } from '../actors/buckets/ownBuckets.ts';

const SCHEME = 'shelf:';

interface ShelfConfig extends SinkConfig {
  readonly type: 'shelf';
  readonly label: string;
}

/** Folders of the job file's own folder, with a label. */
const SHELF: StoreKind<ShelfConfig, { readonly label?: string }> = {
  name: 'shelf',
  pathExample: 'shelf:name',
  pathIs: 'a shelf',
  keys: () => ({ label: text('a label').optional().meta({ description: 'Label of the shelf.' }) }),
  takes: ({ path: value }) => typeof value === 'string' && value.startsWith(SCHEME),
  pathProblem: (value) => (value.includes('/') ? 'holds a "/"; expected shelf:name' : null),
  problems: ({ label }) => (label === 'none' ? [{ key: ['label'], message: 'is none' }] : []),
  uri: (value, baseDir) => `file://${path.join(baseDir, value.slice(SCHEME.length))}`,
  toConfig: ({ label = 'plain' }, common) => ({ ...common, type: 'shelf', label }),
  memoryBytes: () => 0,
  open: async () => createFileStore(),
  describe: ({ label }) => `a shelf called ${label}`,
  facts: ({ label }) => ({ label }),
};

interface NotebookConfig extends JournalConfig {
  readonly type: 'notebook';
  readonly title: string;
}

/** Journals of this process, each by its title. */
function notebooks(): JournalKind<NotebookConfig, { readonly title: string }> {
  const backing = createMemoryBacking();
  const presence = createPresenceBacking();
  return {
    name: 'notebook',
    isShared: false,
    schema: () => map({ title: text('a title') }).meta({ description: 'A notebook.' }),
    toConfig: ({ title }) => ({ type: 'notebook', title }),
    describe: ({ title }) => ({ place: title, details: '' }),
    open: async () => createMemoryJournal({ backing }),
    openPresence: async () => createMemoryPresence({ backing: presence, nowMs: () => systemClock.nowMs() }),
    backup: () => Promise.reject(new Error('a notebook is not copied')),
    ownBackups: null,
    restore: () => Promise.reject(new Error('a notebook is not copied')),
    importCopy: () => Promise.reject(new Error('a notebook is not copied')),
  };
}

const WEEKDAYS = ['thu', 'fri', 'sat', 'sun', 'mon', 'tue', 'wed'];
const DAY_MS = 86_400_000;

/** One bucket for each day of the week, in UTC. */
const WEEKDAY: BucketRule<BucketConfig, { readonly folder: string }> = {
  name: 'weekday',
  chosenBy: 'its day of the week',
  keys: () => ({
    folder: z.literal('short').default('short').meta({ description: 'How days are written.' }),
  }),
  toConfig: () => ({ by: 'weekday' }),
  assigner: () =>
    byTime(
      (slot) => WEEKDAYS[slot % 7] ?? '',
      (timeMs) => Math.floor(timeMs / DAY_MS),
    ),
  meaning: ({ by }) => ({ by }),
  describe: () => 'weekday',
};

const JOB = `job: clicks
source: { file: { path: data.ndjson, time: at } }
sink: { path: "shelf:lake", label: blue }
bucket: { by: weekday }
journal: { notebook: { title: notes } }
`;

const kinds: JobKinds = {
  ...JOB_KINDS,
  stores: [SHELF, ...JOB_KINDS.stores],
  journals: [...JOB_KINDS.journals, notebooks()],
  bucketRules: [...JOB_KINDS.bucketRules, WEEKDAY],
};

let folder = '';
const load = (job: string, known?: JobKinds): JobConfig => {
  writeFileSync(path.join(folder, 'job.yaml'), job);
  return loadJobConfig({
    path: 'job.yaml',
    env: {},
    cwd: folder,
    ...(known === undefined ? {} : { kinds: known }),
  });
};
const problems = (job: string, known?: JobKinds): readonly string[] => {
  try {
    load(job, known);
  } catch (error) {
    if (hasCode(error, 'CONFIG_INVALID')) return error.fields['problems'] as readonly string[];
    throw error;
  }
  throw new Error('it was accepted');
};

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-kinds-'));
  return () => {
    rmSync(folder, { recursive: true });
  };
});

describe('kinds that nothing in src/ knows', () => {
  test('run a whole job', async () => {
    const lines = [0, 1, 2, 7].map((day) => JSON.stringify({ at: day * DAY_MS + 5, day }));
    writeFileSync(path.join(folder, 'data.ndjson'), `${lines.join('\n')}\n`);
    const config = load(JOB, kinds);
    const { runJob, readStatus } = createBackend(kinds);
    const report = await runJob(config, {
      untilEnd: true,
      moves: [],
      signal: new AbortController().signal,
      log: silentLog,
      onProgress: () => undefined,
    });
    expect(report).toMatchObject({ reason: 'end', recordsCommitted: 4, stoppedPartitions: [] });
    const lake = path.join(folder, 'lake');
    const files = globSync('*/part-*', { cwd: lake });
    const held = Object.fromEntries(
      files.map((file) => [path.dirname(file), readFileSync(path.join(lake, file), 'utf8')]),
    );
    expect(held).toEqual({
      thu: `${lines[0] ?? ''}\n${lines[3] ?? ''}\n`,
      fri: `${lines[1] ?? ''}\n`,
      sat: `${lines[2] ?? ''}\n`,
    });
    expect(await readStatus(config, { log: silentLog })).toMatchObject({
      journal: { kind: 'notebook', location: 'notes' },
      partitions: [{ topic: 'data.ndjson', nextOffset: 4n }],
    });
  });

  test('are validated, described, and part of the fingerprint and the JSON Schema', () => {
    const config = load(JOB, kinds);
    let out = '';
    const stdout = { write: (text: string) => (out += text) };
    validateCommand(config, { isJson: false, jobFile: 'job.yaml' }, { stdout } as unknown as CliIo, kinds);
    expect(out).toContain('a shelf called blue');
    expect(out).toMatch(/bucket +weekday\n/);
    expect(out).toMatch(/journal +notebook notes\n/);
    expect(configFingerprint(load(JOB.replace('weekday', 'none'), kinds), kinds)).not.toBe(
      configFingerprint(config, kinds),
    );
    const schema = JSON.stringify(jobJsonSchema(kinds));
    for (const words of [
      'A notebook.',
      'Label of the shelf.',
      'How days are written.',
      'its day of the week',
    ])
      expect(schema).toContain(words);
    expect(problems(JOB.replace('label: blue', 'label: none'), kinds)).toEqual([
      'job.yaml:3:36 sink.label: is none',
    ]);
    expect(problems(JOB.replace('shelf:lake', 'lake'), kinds)).toEqual([
      'job.yaml:3:30 sink.label: belongs to a shelf, but sink.path is a folder of this machine; ' +
        'expected one without the other',
    ]);
  });

  test('are unknown elsewhere', () => {
    const told = problems(JOB);
    expect(told.join('\n')).toContain(
      'bucket.by: "weekday" is unknown; expected record-time, wall-clock, field or none',
    );
    expect(told.join('\n')).toContain('journal.notebook');
    expect(told.join('\n')).toContain('sink.label');
  });
});
