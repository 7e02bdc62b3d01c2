/** The real command beside a coordinator that is killed again and again, at each kind of destination. */
import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { EventOf } from '../../journal/events.ts';
import { replay } from '../../journal/replay.ts';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import type { OrphansOutcome } from '../../src/app/orphans.ts';
import { Composition } from '../../src/app/compose.ts';
import { partitionsOf } from '../../src/audit/jobHistory.ts';
import type { JobConfig } from '../../src/config/jobConfig.ts';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';
import type { Store } from '../../src/stores/port.ts';
import { noFailpoints } from '../../src/system/failpoints.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { describeJudge, find } from '../judges/judge.ts';
import { ownOssServer } from '../servers/oss/fixture.ts';
import { cleanAudit } from './auditing.ts';
import { OSS_KEYS } from './killStorm.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const KILLS = 2;
/** The services take a minute each. */
const IS_FULL = inTier({ test: false, check: false, full: true });
/** Two dozen processes, one after the other. */
const TIMEOUT_MS = 240_000;
const LINES = 400;

type Outcome = Pick<OrphansOutcome, 'orphans' | 'refusals' | 'needed'>;

async function jobAt(sink: Readonly<Record<string, unknown>>): Promise<TestJob> {
  for (const [name, value] of Object.entries(OSS_KEYS)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const job = new TestJob({
    brokers: [],
    topic: uniqueName('orphans'),
    sections: {
      source: { file: { path: 'data/*.csv' } },
      roll: { maxBytes: '4KiB', maxAge: '1h', maxIdle: '300ms' },
      sink,
    },
  });
  mkdirSync(path.join(job.folder, 'data'));
  return Promise.resolve(job);
}

async function orphansOf(job: TestJob, code: number, ...args: string[]): Promise<Outcome> {
  const end = await job.command('orphans', '--json', ...args);
  expectCode(end, code);
  return JSON.parse(end.stdout) as Outcome;
}

/** Runs, is killed, and runs again, while an operator removes whatever is called an orphan. */
async function storm(job: TestJob): Promise<number> {
  const file = path.join(job.folder, 'data', 'log.csv');
  for (let kill = 0; kill < KILLS; kill += 1) {
    const rows = Array.from({ length: LINES }, (_, row) => `row ${kill * LINES + row}\n`);
    appendFileSync(file, rows.join(''));
    const coordinator = job.start();
    await coordinator.said('checkpoint completed');
    const { refusals } = await orphansOf(job, 0, '--delete', '--min-age', '0s');
    expect(refusals).toEqual([]);
    await coordinator.killed();
    expect((await orphansOf(job, 0, '--delete', '--min-age', '0s')).refusals).toEqual([]);
  }
  await job.finish();
  const audit = await cleanAudit({ file: job.file });
  return audit.partitions.reduce((sum, { records }) => sum + records.committed, 0);
}

/** The first part file that the journal holds. */
async function firstOpened(config: JobConfig): Promise<EventOf<'partOpened'>> {
  const journal = await new Composition().journal(config, { access: 'read', log: silentLog });
  try {
    for (const { subject } of await partitionsOf(journal, config.job))
      for await (const { entry } of replay(journal, subject))
        for (const event of entry.events) if (event.type === 'partOpened') return event;
    throw new Error('no file was opened');
  } finally {
    await journal.close();
  }
}

/** What an owner of long ago creates of a file that was committed meanwhile. */
async function leaveBehind(job: TestJob): Promise<void> {
  const config = loadJobConfig({ path: job.file, overrides: [], env: process.env, cwd: job.folder });
  const opened = await firstOpened(config);
  const store: Store = await new Composition().store(config, noFailpoints, silentLog);
  const late = await store.create(opened);
  await late.write(Buffer.from('too late\n'));
  await late.persist();
  await late.abandon();
  await store.close();
}

async function expectCleaned(job: TestJob): Promise<void> {
  expect(await storm(job)).toBe(KILLS * LINES);
  expect(await orphansOf(job, 0)).toMatchObject({ orphans: [], needed: { count: 0 } });
  await leaveBehind(job);
  const found = await orphansOf(job, 1);
  expect(found.orphans.length).toBeGreaterThan(0);
  for (const { end, ageMs } of found.orphans) {
    expect(end).toBe('committed');
    expect(ageMs).toBeLessThan(600_000);
  }
  const spared = await orphansOf(job, 0, '--delete');
  expect(spared.orphans.map(({ removal }) => removal?.type)).toEqual(found.orphans.map(() => 'spared'));
  const removed = await orphansOf(job, 0, '--delete', '--min-age', '0s');
  expect(removed.orphans.map(({ removal }) => removal?.type)).toEqual(found.orphans.map(() => 'removed'));
  expect(await orphansOf(job, 0)).toMatchObject({ orphans: [] });
  await cleanAudit({ file: job.file });
}

test(
  'a local disk: nothing that is needed is removed, and what is left behind is',
  { timeout: TIMEOUT_MS },
  async () => {
    await expectCleaned(await jobAt({ path: 'lake' }));
  },
);

if (IS_FULL) {
  test(
    'plain OSS: nothing that is needed is removed, and what is left behind is',
    { timeout: TIMEOUT_MS },
    async () => {
      const { address } = await ownOssServer();
      const sink = { path: 'oss://lake.oss-cn-test.aliyuncs.com/logs', endpoint: `http://${address}` };
      await expectCleaned(await jobAt(sink));
    },
  );

  describeJudge('JindoSDK', await find(() => fetchJindosdk(logToStderr)), ({ library }) => {
    test(
      'OSS-HDFS: nothing that is needed is removed, and what is left behind is',
      { timeout: TIMEOUT_MS },
      async () => {
        const { address } = await ownOssServer();
        const path = 'oss://lake.cn-test.oss-dls.aliyuncs.com/logs';
        await expectCleaned(await jobAt({ path, endpoint: `http://${address}`, jindosdk: { library } }));
      },
    );
  });
}
