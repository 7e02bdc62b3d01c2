/** A coordinator that writes compressed JSON, and files of bad records, and is killed again and again. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { valuesIn } from '../../sim/content.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { AuditsMeanwhile, cleanAudit } from './auditing.ts';
import { producerOf } from './kafkaFixture.ts';
import { committedDigests, createTopic, expectUnchanged } from './numbers.ts';
import { TestJob, uniqueName } from './testJob.ts';
import { tidemark, TidemarkProcess } from './tidemarkProcess.ts';

const KILLS = 8;
const LONGEST_LIFE_MS = 600;
const BATCH = 40;
/** Every seventh value is no JSON. */
const valueOf = (number: number): string => (number % 7 === 3 ? `{"n":${number}` : `{"n":${number}}`);

/** The numbers in the visible files, good and bad ones. */
function numbersIn(lake: string): { readonly good: number[]; readonly bad: number[] } {
  const all = { good: [] as number[], bad: [] as number[] };
  for (const entry of readdirSync(lake, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.relative(lake, file).startsWith('.')) continue;
    expect(entry.name.endsWith('.json.zst'), entry.name).toBe(true);
    const isBad = path.relative(lake, file).startsWith('_bad/');
    for (const line of valuesIn(readFileSync(file)).split('\n').slice(0, -1))
      all[isBad ? 'bad' : 'good'].push(Number(/\d+/.exec(line)?.[0]));
  }
  return { good: all.good.toSorted((a, b) => a - b), bad: all.bad.toSorted((a, b) => a - b) };
}

describeIntegration(
  'a coordinator with JSON, zstd and bad records that is killed, real Kafka',
  () => {
    test.each(['value', 'record'])('envelope: %s, each record once', async (envelope) => {
      const { brokers } = services();
      const topic = uniqueName('formats');
      const job = new TestJob({
        ...{ brokers, topic },
        sections: {
          sink: { path: 'lake', format: 'json', envelope, compression: { codec: 'zstd' } },
          value: { decode: 'json' },
          bad: { to: 'file' },
          roll: { maxBytes: '4KiB', maxAge: '5s', maxIdle: '2s' },
          checkpoint: { interval: '200ms' },
        },
      });
      const audits = new AuditsMeanwhile({ file: job.file });
      await createTopic([...brokers], topic, 1);
      const producer = await producerOf(brokers);
      let sent = 0;
      const send = async (): Promise<void> => {
        const messages = Array.from({ length: BATCH }, (_, index) => ({ value: valueOf(sent + index) }));
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
      expect(numbersIn(job.lake)).toEqual({
        good: all.filter((number) => number % 7 !== 3),
        bad: all.filter((number) => number % 7 === 3),
      });
      await audits.ended();
      const { deep } = await cleanAudit({ file: job.file }, '--deep');
      expect(deep?.[0]).toMatchObject({ records: sent, bad: 0, files: { notCompared: 0 } });
      const [partition] = await job.partitions();
      const bad = all.filter((number) => number % 7 === 3).length;
      expect(partition).toMatchObject({ recordsBad: [{ reason: 'invalid-json', records: bad }] });
    });
  },
  { timeoutMs: 200_000 },
);
