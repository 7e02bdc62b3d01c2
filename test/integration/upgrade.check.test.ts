/**
 * Two versions in one group: this one, and a next one that journals an operator's `roll` in a format that
 * only it can read.
 */
import path from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { ENTRY_VERSION } from '../../journal/entryFormats.ts';
import type { Patch } from '../mutation/mutation.ts';
import { ScratchCopy } from '../mutation/scratchCopy.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic } from './kafkaTopics.ts';
import { expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import { TidemarkProcess, type ProcessEnd } from './tidemarkProcess.ts';

const PARTITIONS = 4;
const NEXT = ENTRY_VERSION + 1;
const FORMATS = 'journal/entryFormats.ts';
const NEXT_VERSION: readonly Patch[] = [
  { file: FORMATS, find: `ENTRY_VERSION = ${ENTRY_VERSION};`, replace: `ENTRY_VERSION = ${NEXT};` },
  {
    file: FORMATS,
    find: `  ${ENTRY_VERSION - 1}: (entry) => ({ ...entry, v: ${ENTRY_VERSION} }),\n`,
    replace: [ENTRY_VERSION, NEXT].map((v) => `  ${v - 1}: (entry) => ({ ...entry, v: ${v} }),\n`).join(''),
  },
  {
    file: FORMATS,
    find: `    case 'partsDamaged':\n`,
    replace: `    case 'rollRequested':\n      return ${NEXT};\n    case 'partsDamaged':\n`,
  },
];

interface Versions {
  readonly job: TestJob;
  readonly producer: NumberProducer;
  readonly today: () => TidemarkProcess;
  readonly next: () => TidemarkProcess;
  readonly byNext: (name: string, ...args: string[]) => Promise<ProcessEnd>;
}

async function jobOfBoth(theme: string, nextBin: string): Promise<Versions> {
  const { brokers, natsUrl } = services();
  const topic = uniqueName(theme);
  await makeTopic(brokers, topic, { partitions: PARTITIONS });
  const roll = { maxBytes: '20KiB', maxAge: '2s', maxIdle: '1s' };
  const job = new TestJob({ brokers, topic, nats: { url: natsUrl }, sections: { roll } });
  const producer = new NumberProducer([...brokers], topic, { pauseMs: 5 });
  await producer.start();
  const next = (): TidemarkProcess => {
    const started = new TidemarkProcess(['run', job.file, '--log-level', 'debug'], {}, nextBin);
    onTestFinished(async () => {
      await started.killed();
    });
    return started;
  };
  const byNext = (name: string, ...args: string[]): Promise<ProcessEnd> =>
    new TidemarkProcess([name, job.file, ...args], {}, nextBin).ended;
  return { job, producer, today: () => job.start(), next, byNext };
}

async function ended(process: TidemarkProcess): Promise<void> {
  process.kill('SIGTERM');
  expectCode(await process.ended, 0);
}

/** It has partitions, and publishes files of them. */
const works = (process: TidemarkProcess): Promise<void> => process.said('file committed', 4);

describeIntegration('two versions in one group', () => {
  let nextBin = '';
  beforeAll(() => {
    const copy = new ScratchCopy();
    copy.patch(NEXT_VERSION);
    nextBin = path.join(copy.root, 'bin/tidemark.js');
    return () => copy.remove();
  });

  test('upgraded one after the other under load, and back: every record once', async () => {
    const { job, producer, today, next, byNext } = await jobOfBoth('upgrade', nextBin);
    let running = [today(), today()];
    for (const process of running) await works(process);
    for (const start of [next, next, today, today]) {
      const [oldest, other] = running;
      await ended(oldest!);
      const started = start();
      await works(started);
      running = [other!, started];
    }
    await producer.stop();
    for (const process of running) await ended(process);
    await job.finish();
    expectExactlyOnce(job.lake, producer.sent);
    expectCode(await job.command('audit'), 0);
    expectCode(await byNext('audit'), 0);
  });

  test('what only the next one can read stops no other partition, and loses nothing', async () => {
    const { job, producer, today, next, byNext } = await jobOfBoth('newer', nextBin);
    const newer = next();
    await newer.said('partition claimed', PARTITIONS);
    const newest = `${job.name}/0`;
    expectCode(await byNext('roll', '--partition', newest), 0);
    await ended(newer);

    const older = today();
    await older.said('partition claimed', PARTITIONS - 1);
    await older.saw('JOURNAL_NEWER', (line) => line['code'] === 'JOURNAL_NEWER');
    await older.said('file committed', 2 * PARTITIONS);
    expect(older.lines('file committed').filter(({ partition }) => partition === newest)).toEqual([]);
    const refused = await job.command('audit');
    expectCode(refused, 3);
    expect(refused.stdout + refused.stderr).toContain('JOURNAL_NEWER');
    await producer.stop();
    older.kill('SIGTERM');
    await older.ended;

    const again = new TidemarkProcess(['run', job.file, '--until-end'], {}, nextBin);
    onTestFinished(async () => {
      await again.killed();
    });
    expectCode(await again.ended, 0);
    expectExactlyOnce(job.lake, producer.sent);
    expectCode(await byNext('audit'), 0);
  });
});
