import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { inTier } from '../../scripts/testTiers.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { startKafka, startNats } from '../services/servers.ts';
import { AuditsMeanwhile, KILLS, cleanAudit, expectSums } from './auditing.ts';
import {
  committedDigests,
  createTopic,
  expectExactlyOnce,
  expectUnchanged,
  NumberProducer,
} from './numbers.ts';
import { tidemark, TidemarkProcess } from './tidemarkProcess.ts';

const JOURNALS = inTier({ test: ['nats'], check: ['nats', 'sqlite'], full: ['nats', 'sqlite'] });
const LONGEST_LIFE_MS = 600;

function jobFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-kill-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

interface JobPlaces {
  readonly brokers: readonly string[];
  /** Null: the journal is an SQLite file. */
  readonly natsUrl: string | null;
  readonly topic: string;
}

function writeJob(folder: string, { brokers, natsUrl, topic }: JobPlaces): string {
  const file = path.join(folder, 'job.yaml');
  writeFileSync(
    file,
    `job: ${topic}
source:
  kafka: { brokers: [${brokers.map((broker) => `"${broker}"`).join(', ')}], topics: [${topic}], groupId: ${topic} }
sink: { path: lake }
bucket: { by: wall-clock, pattern: "yyyy-MM-dd--HH-mm" }
roll: { maxBytes: 20KiB, maxAge: 5s, maxIdle: 2s }
checkpoint: { interval: 200ms }
${natsUrl === null ? '' : `journal: { nats: { servers: ["${natsUrl}"], stream: TIDEMARK } }`}
`,
  );
  return file;
}

/** Ends with the test, whatever becomes of it. */
function startCoordinator(job: string): TidemarkProcess {
  const coordinator = new TidemarkProcess(['run', job, '--log-level', 'debug']);
  onTestFinished(() => {
    coordinator.kill('SIGKILL');
  });
  return coordinator;
}

describeIntegration(
  'a coordinator that is killed again and again, real Kafka',
  () => {
    test.each(JOURNALS)('SIGKILL at random moments, journal %s: exactly once, in order', async (journal) => {
      const { brokers, natsUrl } = services();
      const folder = jobFolder();
      const lake = path.join(folder, 'lake');
      const topic = `kill-${journal}-${process.pid}`;
      const job = writeJob(folder, { brokers, natsUrl: journal === 'nats' ? natsUrl : null, topic });
      const audits = new AuditsMeanwhile({ file: job });
      await createTopic(brokers, topic);
      const producer = new NumberProducer(brokers, topic, { pauseMs: 5 });
      await producer.start();
      let counted = 0;
      for (let started = 0; counted < KILLS && started < 3 * KILLS; started += 1) {
        const coordinator = startCoordinator(job);
        await coordinator.said('checkpoint completed');
        counted += 1;
        const before = committedDigests(lake);
        await audits.during(counted);
        await delay(Math.random() * LONGEST_LIFE_MS);
        await coordinator.killed();
        expectUnchanged(before, lake);
      }
      await producer.stop();
      const before = committedDigests(lake);
      const end = await tidemark(['run', job, '--until-end']);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      console.log(
        `${counted} kills counted, ${producer.sent.reduce((a, b) => a + b)} records, ` +
          `${committedDigests(lake).size} files`,
      );
      expect(counted).toBeGreaterThanOrEqual(KILLS);
      expectUnchanged(before, lake);
      expectExactlyOnce(lake, producer.sent);
      await audits.ended();
      expect(audits.made).toBeGreaterThanOrEqual(KILLS / 2);
      expectSums(await cleanAudit({ file: job }, '--deep'), lake, producer.sent);
    });
  },
  { timeoutMs: 400_000 },
);

describeIntegration(
  'servers that are killed and restarted under a running coordinator',
  () => {
    test('the journal server and the broker, in turn: every record exactly once', async () => {
      await using kafka = await startKafka();
      await using nats = await startNats();
      const folder = jobFolder();
      const lake = path.join(folder, 'lake');
      const topic = 'server-kills';
      const { brokers } = kafka;
      const job = writeJob(folder, { brokers, natsUrl: nats.url, topic });
      await createTopic(brokers, topic);
      const producer = new NumberProducer(brokers, topic, { pauseMs: 20 });
      await producer.start();
      const coordinator = startCoordinator(job);
      let checkpoints = 0;
      for (let round = 0; round < 6; round += 1) {
        await coordinator.said('checkpoint completed', (checkpoints += 4));
        const before = committedDigests(lake);
        await delay(Math.random() * 300);
        const server = round % 2 === 0 ? nats : kafka;
        await server.kill('SIGKILL');
        await server.restart();
        expectUnchanged(before, lake);
      }
      await coordinator.said('checkpoint completed', checkpoints + 8);
      await producer.stop();
      coordinator.kill('SIGTERM');
      const stopped = await coordinator.ended;
      expect(stopped, stopped.stderr).toMatchObject({ code: 0 });
      const end = await tidemark(['run', job, '--until-end']);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expectExactlyOnce(lake, producer.sent);
    });
  },
  { timeoutMs: 400_000, ownServers: true },
);
