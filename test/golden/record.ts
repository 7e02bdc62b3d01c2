/**
 * Records the golden journals of this version: `npx node test/golden/record.ts <version>`. The runs are those
 * of the deterministic world, so that each shows what the coordinator really writes. Never replaces a file
 * that is there.
 */
import { writeFileSync } from 'node:fs';
import type { OperatorRequest } from '../../journal/events.ts';
import { jobName, type Subject } from '../../journal/ids.ts';
import { SourceFailure } from '../../src/sources/failure.ts';
import type { Ports } from '../../src/job/context.ts';
import { fileOperatorRequest } from '../../src/partition/requests.ts';
import type { SimProcess } from '../../sim/process.ts';
import type { Fault, LogItem, Schedule, StoreKind } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import type { PartitionFeed, Source } from '../../src/sources/port.ts';
import { goldenPath, replayEntries, type GoldenLine } from './goldenFile.ts';

const TOPIC = 'page.views_ü';
const WALL_START_MS = Date.UTC(2026, 0, 1);

interface Recording {
  readonly name: string;
  readonly schedule: Schedule;
  readonly adapt?: (ports: Ports, process: SimProcess) => Ports;
}

const batch = (atMs: number, stepMs = 400): LogItem => ({
  ...{ type: 'records', atMs, records: 4, nullEvery: 3 },
  ...{ timestampMs: WALL_START_MS + atMs, stepMs },
});
const batches: readonly LogItem[] = [0, 90, 300, 700, 1_300].map((atMs) => batch(atMs));

function scheduleOf(
  store: StoreKind,
  faults: readonly Fault[],
  change: Partial<Schedule['config']> = {},
): Schedule {
  return {
    seed: 1,
    config: {
      ...{ store, processes: 2, checkpointIntervalMs: 100 },
      roll: { maxBytes: 24, maxAgeMs: 600, maxIdleMs: 200, atCheckpoint: false },
      buckets: { by: 'record-time', pattern: 'ss', timezone: 'UTC' },
      ...{ entropy: false, snapshotEntries: 4 },
      ...{ wallStartMs: WALL_START_MS, latencyMsMax: 2, timeoutMs: 100 },
      ...{ sessionMs: 1_500, heartbeatMs: 300, restartMs: 20, dismissesDeadMember: true },
      ...{
        entryBytesMax: 100_000,
        readBatchEntries: 100,
        fetchBatchesMax: 2,
        openFilesMax: null,
        memoryBytes: null,
        faultsUntilMs: 15_000,
      },
      ...change,
    },
    workload: { topic: TOPIC, partitions: [batches, batches] },
    faults,
  };
}

const crash = (life: number, point: 'store.persist' | 'store.finish' | 'store.resume', nth = 1): Fault => ({
  ...{ type: 'crash', process: 0, life, point, side: 'after', nth },
});
const takeovers = (point: 'store.finish' | 'store.resume'): readonly Fault[] => [
  ...[crash(0, 'store.persist', 2), crash(1, point), crash(2, 'store.persist')],
  { type: 'roll', partition: 0, atMs: 400 },
  { type: 'leave', process: 1, atMs: 1_500 },
];

const RECORDINGS: readonly Recording[] = [
  { name: 'file', schedule: scheduleOf('file', takeovers('store.finish')) },
  { name: 'oss', schedule: scheduleOf('oss', takeovers('store.finish')) },
  { name: 'oss-hdfs', schedule: scheduleOf('oss-hdfs', takeovers('store.resume')) },
  { name: 'pieces', schedule: pieces() },
  {
    name: 'formats',
    schedule: scheduleOf('file', takeovers('store.finish'), { content: { lines: 'bad', codec: 'none' } }),
  },
  { name: 'stops', schedule: scheduleOf('file', [], { processes: 1 }), adapt: stopping },
];

/** Checkpoints of many files, too large for one small entry. */
function pieces(): Schedule {
  const schedule = scheduleOf('file', [crash(0, 'store.persist', 9)], { processes: 1, entryBytesMax: 3_000 });
  return { ...schedule, workload: { topic: TOPIC, partitions: [[batch(0, 1_000), batch(20, 2_000)]] } };
}

/** Both partitions stop at once; an operator gives up offsets of one, and resumes the other. */
function stopping(ports: Ports, process: SimProcess): Ports {
  if (process.life > 0) return ports;
  const ask = (atMs: number, partition: number, request: OperatorRequest): void => {
    ports.clock.timer(atMs, () => {
      void fileOperatorRequest(ports, jobName('world'), { topic: TOPIC, partition }, request);
    });
  };
  ask(500, 0, { type: 'roll' });
  ask(1_500, 0, { type: 'acceptLoss', fromOffset: 0n, toOffset: 2n });
  ask(1_500, 1, { type: 'resume', from: null, acceptLoss: false });
  ask(3_000, 0, { type: 'roll' });
  const lost = new Set([0, 1]);
  const open: Source['open'] = (at, offset, topicId) =>
    lost.delete(at.partition) ? lostFeed(offset) : ports.source.open(at, offset, topicId);
  const source = new Proxy(ports.source, {
    get: (target, key) => {
      if (key === 'open') return open;
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { ...ports, source };
}

function lostFeed(offset: bigint): PartitionFeed {
  const affected = { fromOffset: offset, toOffset: offset + 2n };
  return {
    next: () => Promise.reject(new SourceFailure('rangeLost', 'Two offsets are gone.', { affected })),
    close: () => Promise.resolve(),
  };
}

async function record({ name, schedule, adapt }: Recording, version: string): Promise<void> {
  const { journal } = await runWorld(schedule, adapt === undefined ? {} : { adapt });
  const bySubject = Map.groupBy(
    journal.filter(({ text }) => 'events' in (JSON.parse(text) as object)),
    ({ subject }) => subject,
  );
  const lines: GoldenLine[] = [];
  for (const [subject, entries] of bySubject) {
    const texts = entries.map(({ text }) => text);
    lines.push(...texts.map((entry) => ({ subject, entry })));
    const { states } = await replayEntries(subject as Subject, texts);
    for (const [index, state] of states.entries())
      if (isTelling(texts, index)) lines.push({ subject, after: index + 1, state });
  }
  const path = goldenPath(`${version}-${name}`);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { flag: 'wx' });
}

/** What a new owner finds, before and behind its claim, and the end. */
function isTelling(texts: readonly string[], index: number): boolean {
  return [texts[index], texts[index + 1]].some((text) => text?.includes('"type":"epochClaimed"') ?? true);
}

if (import.meta.main) {
  const [version] = process.argv.slice(2);
  if (version === undefined) throw new Error('usage: npx node test/golden/record.ts <version>');
  for (const recording of RECORDINGS) await record(recording, version);
}
