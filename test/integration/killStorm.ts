/** A coordinator that writes to the OSS server, and is killed again and again while faults strike. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { Fault } from '../../servers/oss/faults.ts';
import type { OssServerProcess } from '../../servers/oss/process.ts';
import { valuesIn } from '../../sim/job/content.ts';
import { services } from '../services/integration.ts';
import { AuditsMeanwhile, KILLS, type AuditedJob } from './auditing.ts';
import { createTopic, NumberProducer } from './numbers.ts';
import { tidemark, TidemarkProcess } from './tidemarkProcess.ts';

const LONGEST_LIFE_MS = 600;

export const OSS_KEYS = {
  ALIBABA_CLOUD_ACCESS_KEY_ID: 'test-id',
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'test-secret',
};

interface StormJob {
  readonly topic: string;
  readonly sink: Readonly<Record<string, unknown>>;
  readonly journal: 'nats' | 'sqlite';
  readonly by: 'record-time' | 'wall-clock';
}

/** A job file with small files and frequent checkpoints; its path. */
export function writeStormJob(folder: string, { topic, sink, journal, by }: StormJob): string {
  const { brokers, natsUrl } = services();
  const file = path.join(folder, 'job.yaml');
  const document = {
    job: topic,
    source: { kafka: { brokers, topics: [topic], groupId: topic } },
    sink,
    bucket: { by, pattern: 'yyyy-MM-dd--HH-mm' },
    roll: { maxBytes: '40KiB', maxAge: '5s', maxIdle: '2s' },
    checkpoint: { interval: '200ms' },
    ...(journal === 'nats' ? { journal: { nats: { servers: [natsUrl], stream: 'TIDEMARK' } } } : {}),
  };
  writeFileSync(file, stringify(document));
  return file;
}

/** A copy of the folder in which Parquet files are their values, as lines. */
export function asLines(folder: string): string {
  const lines = `${folder}-lines`;
  cpSync(folder, lines, { recursive: true });
  for (const entry of readdirSync(lines, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.name.endsWith('.parquet')) writeFileSync(file, valuesIn(readFileSync(file)));
  }
  return lines;
}

export interface KillStorm {
  readonly job: AuditedJob;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly server: OssServerProcess;
  /** In turn, one at a life; what they do to a call is in servers/oss/faults.ts. */
  readonly faults: readonly Fault[];
  /** Copies all that is at the destination to a folder with this name; its path. */
  mirror(name: string): Promise<string>;
  /** After the last kill, while records still arrive. */
  afterKills?(): Promise<void>;
}

export interface Survivors {
  readonly sent: readonly number[];
  /** The copy of the destination after all. */
  readonly final: string;
  readonly audits: AuditsMeanwhile;
}

/** Kills it KILLS times, lets it end. What was committed after half of the kills is what it was. */
export async function killStorm(storm: KillStorm): Promise<Survivors> {
  const { job, brokers, topic, server, faults } = storm;
  const audits = new AuditsMeanwhile(job);
  await createTopic([...brokers], topic);
  const producer = new NumberProducer([...brokers], topic, { pauseMs: 20 });
  await producer.start();
  let counted = 0;
  let halfway = '';
  for (let started = 0; counted < KILLS && started < 3 * KILLS; started += 1) {
    const coordinator = startService(job);
    await coordinator.said('checkpoint completed');
    counted += 1;
    const fault = faults[counted % faults.length];
    if (fault !== undefined) await server.arm(fault);
    await audits.during(counted);
    const isHalfway = counted === KILLS / 2;
    // Else a fast machine kills all of them before there is a file to compare with.
    if (isHalfway) await coordinator.said('file committed');
    await delay(Math.random() * LONGEST_LIFE_MS);
    // A crash of native code ends the process as suddenly.
    coordinator.kill(counted % 4 === 0 ? 'SIGSEGV' : 'SIGKILL');
    await coordinator.ended;
    if (isHalfway) halfway = await storm.mirror('halfway');
  }
  await server.disarm();
  await storm.afterKills?.();
  await producer.stop();
  const end = await tidemark(['run', job.file, '--until-end'], job.env);
  expect(end, end.stderr).toMatchObject({ code: 0 });
  const final = await storm.mirror('final');
  const before = committedIn(halfway);
  console.log(
    `${counted} kills counted, ${producer.sent.reduce((a, b) => a + b)} records, ` +
      `${committedIn(final).length} files`,
  );
  expect(counted).toBeGreaterThanOrEqual(KILLS);
  expect(before.length).toBeGreaterThan(0);
  for (const name of before)
    expect(readFileSync(path.join(final, name)), name).toEqual(readFileSync(path.join(halfway, name)));
  return { sent: producer.sent, final, audits };
}

export function startService({ file, env }: AuditedJob): TidemarkProcess {
  const coordinator = new TidemarkProcess(['run', file, '--log-level', 'debug'], env);
  onTestFinished(async () => {
    await coordinator.killed();
  });
  return coordinator;
}

function committedIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, name: path.relative(folder, path.join(entry.parentPath, entry.name)) }))
    .filter(({ entry, name }) => entry.isFile() && !name.split('/').some((step) => step.startsWith('.')))
    .map(({ name }) => name);
}
