/** One soak: servers, coordinators and a producer, faults for a while, then peace, and the count. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../scripts/services/common.ts';
import { SeededRandom } from '../../sim/random.ts';
import { NumberProducer } from '../integration/numberProducer.ts';
import { tidemark } from '../integration/tidemarkProcess.ts';
import { CommittedWatch, countRecords, type Count } from './count.ts';
import { drawFault, FAULT_KINDS, type Battlefield } from './faults.ts';
import { Fleet, type Sample, type Surprise } from './fleet.ts';
import type { SoakOptions } from './options.ts';
import type { JournalPlace } from './restore.ts';
import { startClusters, startSingles, type SoakServers } from './servers.ts';

const TOPIC = 'soak';
const STREAM = 'TIDEMARK';
const PARTITIONS = 8;
const PRODUCE_EVERY_MS = 20;
const SMALL_DISK_BYTES = 768 * 1024 * 1024;
/**
 * After a fault every partition must complete a checkpoint within that; longer waits end in a verdict, not in
 * silence.
 */
const RECOVERY_MS_MAX = 120_000;

export interface FaultResult {
  readonly name: string;
  /** Since the soak began. */
  readonly atMs: number;
  /**
   * From the fault's end until every partition has completed a checkpoint; null where one did not in time.
   */
  readonly recoveryMs: number | null;
  /** Committed files that changed or went, in words. */
  readonly broken: readonly string[];
}

export interface SoakResult {
  readonly seed: number;
  readonly durationMs: number;
  readonly records: number;
  readonly faults: readonly FaultResult[];
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
  readonly count: Count;
  /** How the closing `run --until-end` ended. */
  readonly finish: { readonly code: number | null; readonly lastLines: readonly string[] };
  readonly stopCodes: readonly (number | null)[];
  readonly surprises: readonly Surprise[];
  readonly samples: readonly Sample[];
  readonly folder: string | null;
}

type Log = (line: string) => void;

export async function soak(options: SoakOptions, log: Log, signal: AbortSignal): Promise<SoakResult> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-soak-'));
  stack.defer(() => {
    if (options.isKept) log(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  });
  const lake = path.join(folder, 'lake');
  mkdirSync(lake);
  const smallDisk = mountSmallDisk(lake, stack, log);
  log('starting Kafka and NATS ...');
  const servers = options.isCluster
    ? await startClusters(stack, { topic: TOPIC, stream: STREAM })
    : await startSingles(stack);
  const jobFile = writeJob(folder, servers);
  await servers.createTopic(TOPIC, PARTITIONS);
  const logs = path.join(folder, 'logs');
  mkdirSync(logs);
  const fleet = new Fleet(jobFile, logs);
  stack.defer(() => fleet.killAll());
  const producer = new NumberProducer(servers.brokers, TOPIC, {
    pauseMs: PRODUCE_EVERY_MS,
    partitions: PARTITIONS,
    isSplit: options.isCluster,
  });
  await producer.start();
  fleet.start(options.coordinators);
  await fleet.checkpointsOf(PARTITIONS);
  const random = new SeededRandom(options.seed);
  const journal = journalPlace(folder, jobFile, servers);
  const field = { ...servers, journal, fleet, coordinators: options.coordinators, smallDisk, random };
  const faults = await strikeUntilEnd(field, options, log, signal);
  log('the faults are over; the rest is read and counted ...');
  await producer.stop();
  const stopCodes = await fleet.stop();
  const finish = await tidemark(['run', jobFile, '--until-end'], {});
  const count = await countRecords(journal.lake, producer.sent, journal);
  const leftOut =
    smallDisk === null ? [{ name: 'disk-full', reason: 'no small disk can be mounted here' }] : [];
  return {
    ...{ seed: options.seed, durationMs: options.durationMs, faults, leftOut, count, stopCodes },
    records: producer.sent.reduce((sum, sent) => sum + sent, 0),
    finish: { code: finish.code, lastLines: finish.stderr.trimEnd().split('\n').slice(-5) },
    ...{ surprises: fleet.surprises, samples: fleet.samples, folder: options.isKept ? folder : null },
  };
}

function journalPlace(folder: string, jobFile: string, { natsUrls }: SoakServers): JournalPlace {
  const lake = path.join(folder, 'lake', 'out');
  return {
    ...{ jobFile, topic: TOPIC, partitions: PARTITIONS, stream: STREAM, natsUrls, folder, lake },
    ...{ committed: new CommittedWatch(lake), givenUp: [], orphans: new Set() },
  };
}

/** A disk of its own for the sink, which may be filled; null where none can be mounted. */
function mountSmallDisk(lake: string, stack: AsyncDisposableStack, log: Log): string | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK_BYTES}`, 'tmpfs', lake], {
      stdio: 'pipe',
    });
  } catch (error) {
    log(`no disk is filled: ${messageOf(error).split('\n')[0] ?? ''}`);
    return null;
  }
  stack.defer(() => void execFileSync('umount', ['-l', lake], { stdio: 'pipe' }));
  return lake;
}

function writeJob(folder: string, { brokers, natsUrls, replicas }: SoakServers): string {
  const file = path.join(folder, 'job.yaml');
  writeFileSync(
    file,
    `job: ${TOPIC}
source:
  kafka: { brokers: ${JSON.stringify(brokers)}, topics: [${TOPIC}], groupId: ${TOPIC} }
sink: { path: lake/out }
bucket: { by: wall-clock, pattern: "yyyy-MM-dd--HH-mm" }
roll: { maxBytes: 256KiB, maxAge: 10s, maxIdle: 3s }
checkpoint: { interval: 500ms }
journal:
  nats: { servers: ${JSON.stringify(natsUrls)}, stream: ${STREAM}, replicas: ${replicas} }
`,
  );
  return file;
}

async function strikeUntilEnd(
  field: Battlefield,
  { durationMs, only }: SoakOptions,
  log: Log,
  signal: AbortSignal,
): Promise<FaultResult[]> {
  const kinds = FAULT_KINDS.filter(
    ({ name }) => (only === null || name === only) && (name !== 'disk-full' || field.smallDisk !== null),
  );
  const results: FaultResult[] = [];
  const startedMs = performance.now();
  while (performance.now() - startedMs < durationMs && !signal.aborted) {
    await delay(500 + field.random.below(4_000));
    const kind = drawFault(field.random, kinds);
    const atMs = Math.round(performance.now() - startedMs);
    const failed = await kind.inject(field).then(
      () => [],
      (error: unknown) => [`${kind.name} did not end: ${messageOf(error)}`],
    );
    const recoveryMs = await untilCheckpoint(field.fleet);
    const broken = [...failed, ...(await field.journal.committed.look())];
    results.push({ name: kind.name, atMs, recoveryMs, broken });
    const recovery = recoveryMs === null ? `not within ${RECOVERY_MS_MAX / 1000} s` : `${recoveryMs} ms`;
    log(
      `${(atMs / 1000).toFixed(0).padStart(6)} s  ${kind.name}: all partitions checkpointed after ` +
        recovery,
    );
    for (const line of broken) log(`BROKEN: ${line}`);
  }
  return results;
}

async function untilCheckpoint(fleet: Fleet): Promise<number | null> {
  const fromMs = performance.now();
  const patience = new AbortController();
  const gaveUp = delay(RECOVERY_MS_MAX, null, { signal: patience.signal }).catch(() => null);
  const seen = await Promise.race([fleet.checkpointsOf(PARTITIONS).then(() => true), gaveUp]);
  patience.abort();
  return seen === true ? Math.round(performance.now() - fromMs) : null;
}
