/**
 * A coordinator that writes text, compressed JSON or Parquet, and files of bad records, and is killed again
 * and again.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect, onTestFinished, test } from 'vitest';
import { valuesIn } from '../../sim/job/content.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { AuditsMeanwhile, cleanAudit } from './auditing.ts';
import { producerOf } from './kafkaFixture.ts';
import { committedDigests, createTopic, expectUnchanged } from './numbers.ts';
import { TestJob, uniqueName } from './testJob.ts';
import { tidemark, TidemarkProcess } from './tidemarkProcess.ts';

const KILLS = inTier({ test: 6, check: 6, full: 12 });
const LONGEST_LIFE_MS = 600;
const BATCH = 40;
const isBad = (number: number): boolean => number % 7 === 3;
/** Some values are no JSON. */
const jsonOf = (number: number): string => `{"n":${number},"b":${number % 3}${isBad(number) ? '' : '}'}`;
/** Some values are two lines. */
const textOf = (number: number): string => (isBad(number) ? `${number}\nmore` : `${number} on one line`);

interface Case {
  readonly what: string;
  readonly sections: Readonly<Record<string, unknown>>;
  readonly suffix: string;
  /** Of files of bad records. */
  readonly badSuffix: string;
  valueOf(number: number): string;
  readonly reason: string;
}

const JSON_CASES = ['record'].map((envelope) => ({
  what: `JSON, zstd, envelope: ${envelope}, folders by a field`,
  sections: {
    sink: { path: 'lake', format: 'json', envelope, compression: { codec: 'zstd' } },
    value: { decode: 'json' },
    bucket: { pattern: "'b='{value.b}" },
  },
  ...{ suffix: '.json.zst', badSuffix: '.json.zst', valueOf: jsonOf, reason: 'invalid-json' },
}));

const CASES: readonly Case[] = [
  ...JSON_CASES,
  {
    what: 'Parquet with a schema',
    sections: { sink: { path: 'lake', format: 'parquet' }, value: { schema: 'n.yaml' } },
    ...{ suffix: '.parquet', badSuffix: '.json', valueOf: jsonOf, reason: 'invalid-json' },
  },
  {
    what: 'text, line feeds in values',
    sections: {},
    ...{ suffix: '', badSuffix: '.json', valueOf: textOf, reason: 'line-feed' },
  },
];

/** The numbers in the visible files, good and bad ones. */
async function numbersIn(lake: string, { suffix, badSuffix }: Case) {
  const all = { good: [] as number[], bad: [] as number[] };
  for (const entry of readdirSync(lake, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.relative(lake, file).startsWith('.')) continue;
    const isOfBad = path.relative(lake, file).startsWith('_bad/');
    expect(entry.name.endsWith(isOfBad ? badSuffix : suffix), entry.name).toBe(true);
    all[isOfBad ? 'bad' : 'good'].push(...(await numbersOf(readFileSync(file), suffix)));
  }
  return { good: all.good.toSorted((a, b) => a - b), bad: all.bad.toSorted((a, b) => a - b) };
}

async function numbersOf(bytes: Buffer, suffix: string): Promise<number[]> {
  if (suffix !== '.parquet' || bytes.toString('latin1', 0, 4) !== 'PAR1') {
    const lines = valuesIn(bytes).split('\n').slice(0, -1);
    // The rest of a bad value, on a line of its own, has none.
    return lines.filter((line) => line !== 'more').map((line) => Number(/\d+/.exec(line)?.[0]));
  }
  const file = new Uint8Array(bytes).buffer;
  return (await parquetReadObjects({ file, compressors })).map(({ n }) => Number(n));
}

describeIntegration(
  'a coordinator with formats and bad records that is killed, real Kafka',
  () => {
    test.each(CASES)('$what: each record once', async (one) => {
      const { brokers } = services();
      const topic = uniqueName('formats');
      const job = new TestJob({
        ...{ brokers, topic },
        sections: {
          ...one.sections,
          bad: { to: 'file' },
          roll: { maxBytes: '4KiB', maxAge: '5s', maxIdle: '2s' },
          checkpoint: { interval: '200ms' },
        },
      });
      writeFileSync(path.join(path.dirname(job.file), 'n.yaml'), 'n: long\n');
      const audits = new AuditsMeanwhile({ file: job.file });
      await createTopic([...brokers], topic, 1);
      const producer = await producerOf(brokers);
      let sent = 0;
      const send = async (): Promise<void> => {
        const messages = Array.from({ length: BATCH }, (_, index) => ({ value: one.valueOf(sent + index) }));
        await producer.send({ topic, messages });
        sent += BATCH;
      };
      for (let life = 1; life <= KILLS; life += 1) {
        await send();
        const coordinator = new TidemarkProcess(['run', job.file, '--log-level', 'debug']);
        onTestFinished(() => {
          coordinator.kill('SIGKILL');
        });
        await coordinator.said('checkpoint completed');
        const before = committedDigests(job.lake);
        await send();
        await audits.during(life);
        await delay(Math.random() * LONGEST_LIFE_MS);
        await coordinator.killed();
        expectUnchanged(before, job.lake);
      }
      const end = await tidemark(['run', job.file, '--until-end']);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      const all = Array.from({ length: sent }, (_, number) => number);
      expect(await numbersIn(job.lake, one)).toEqual({
        good: all.filter((number) => !isBad(number)),
        bad: all.filter(isBad),
      });
      await audits.ended();
      const { deep } = await cleanAudit({ file: job.file }, '--deep');
      expect(deep?.[0]).toMatchObject({ records: sent, bad: 0, files: { notCompared: 0 } });
      const [partition] = await job.partitions();
      const bad = all.filter(isBad).length;
      expect(partition).toMatchObject({ recordsBad: [{ reason: one.reason, records: bad }] });
    });
  },
  { timeoutMs: 200_000 },
);
