/** Journals of 0.1.0, written by that version itself as git has it, and taken over in place by this one. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test, type TestContext } from 'vitest';
import { checkoutDir } from '../../scripts/services/common.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, scratchFolder, TestJob } from './testJob.ts';
import { TidemarkProcess } from './tidemarkProcess.ts';

/** The commit whose sources are 0.1.0. */
const COMMIT_0_1_0 = '9c90c9e';
const OLD_CHECKOUT = path.join(checkoutDir, '.cache', `tidemark-${COMMIT_0_1_0}`);
const OLD_BIN = path.join(OLD_CHECKOUT, 'bin/tidemark.js');

/** Why there is no 0.1.0 to run; null where there is. */
function fetchOldVersion(): string | null {
  if (existsSync(OLD_BIN)) return null;
  try {
    const what = ['bin', 'src', 'actors', 'journal', 'package.json'];
    const archive = execFileSync('git', ['archive', COMMIT_0_1_0, ...what], {
      ...{ cwd: checkoutDir, maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'] },
    });
    mkdirSync(OLD_CHECKOUT, { recursive: true });
    execFileSync('tar', ['-x', '-C', OLD_CHECKOUT], { input: archive });
    symlinkSync(path.join(checkoutDir, 'node_modules'), path.join(OLD_CHECKOUT, 'node_modules'));
    return null;
  } catch (error) {
    return `git does not have ${COMMIT_0_1_0}: ${String(error)}`;
  }
}

describeIntegration(
  'a job of 0.1.0',
  () => {
    let missing: string | null = null;
    beforeAll(() => {
      missing = fetchOldVersion();
    });

    /**
     * Without its history a checkout has nothing to take over: a reason to skip, but not in CI, which has it.
     */
    function needOldVersion({ skip }: TestContext): void {
      if (missing === null) return;
      if (process.env['CI'] === 'true') throw new Error(missing);
      skip(missing);
    }

    test('with its journal in SQLite, stopped with open files, continues in place', async (context) => {
      needOldVersion(context);
      await takeOver(undefined);
    });

    test('with its journal in NATS, stopped with open files, continues in place', async (context) => {
      needOldVersion(context);
      await takeOver({ url: services().natsUrl });
    });

    test('that read files continues in place', async (context) => {
      needOldVersion(context);
      const folder = scratchFolder();
      const lines = (from: number, to: number): string =>
        Array.from({ length: to - from }, (_, index) => `0:${from + index}\n`).join('');
      writeFileSync(path.join(folder, 'a.txt'), lines(0, 500));
      const file = path.join(folder, 'job.yaml');
      writeFileSync(
        file,
        'job: files\nsource: { file: { path: a.txt } }\nsink: { path: lake }\nbucket: { by: none }\n',
      );
      expectCode(await new TidemarkProcess(['run', file, '--until-end'], {}, OLD_BIN).ended, 0);
      writeFileSync(path.join(folder, 'a.txt'), lines(0, 800));
      expectCode(await new TidemarkProcess(['run', file, '--until-end']).ended, 0);
      const lake = path.join(folder, 'lake');
      const found = readdirSync(lake)
        .filter((name) => !name.startsWith('.'))
        .sort()
        .map((name) => readFileSync(path.join(lake, name), 'utf8'));
      expect(found.join('')).toBe(lines(0, 800));
    });
  },
  { timeoutMs: 240_000 },
);

async function takeOver(nats: { readonly url: string } | undefined): Promise<void> {
  const { brokers } = services();
  const topic = `upgrade-${nats === undefined ? 'sqlite' : 'nats'}-${process.pid}`;
  await createTopic(brokers, topic);
  const producer = new NumberProducer(brokers, topic, { pauseMs: 5 });
  await producer.start();
  const job = new TestJob({
    ...{ brokers, topic, ...(nats === undefined ? {} : { nats }) },
    // The old version knows no such key.
    sections: { http: undefined },
  });
  const old = new TidemarkProcess(['run', job.file, '--log-level', 'debug'], {}, OLD_BIN);
  await old.said('checkpoint completed', 8);
  // Stopped, not killed: a group does not take members of both versions, and a dead one stays for its
  // session.
  old.kill('SIGTERM');
  expectCode(await old.ended, 0);
  const statuses = await job.partitions();
  // What is to be shown: files in progress, of whichever name and handle that version gave them.
  expect(statuses.some(({ buckets }) => buckets.some(({ parts }) => parts.length > 0))).toBe(true);
  await producer.stop();
  await job.finish();
  expectExactlyOnce(job.lake, producer.sent);
  const events = await job.jobEvents();
  expect(events.map(({ type }) => type)).toContain('markerMade');
  const versions = events.flatMap((event) => (event.type === 'jobStarted' ? [event.version] : []));
  expect(new Set(versions)).toEqual(new Set(['0.1.0', '0.2.0']));
}
