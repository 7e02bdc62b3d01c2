/** A coordinator on a memory journal and a memory source that writes real files into a temporary folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, type Dirent } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { noBuckets } from '../../actors/buckets/none/rule.ts';
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { NamingRule } from '../../actors/naming.ts';
import { defaultRollingPolicy, type RollingPolicy } from '../../actors/rolling/policy.ts';
import { jobName } from '../../journal/ids.ts';
import { createMemoryBacking, createMemoryJournal } from '../../journal/memory/journal.ts';
import type { Journal } from '../../journal/port.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import { systemClock, systemRandom, type Clock } from '../../src/system/clock.ts';
import { Coordinator } from '../../src/run/coordinator.ts';
import type { JobSettings, Ports } from '../../src/job/context.ts';
import { noFailpoints, type Failpoints } from '../../src/system/failpoints.ts';
import type { MemoryBudget } from '../../src/system/memoryBudget.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import { withFailpoints } from '../../src/stores/failpointStore.ts';
import type { Source, StartFrom } from '../../src/sources/port.ts';
import type { Store } from '../../src/stores/port.ts';
import { silentLog, type Log } from '../../src/telemetry/log.ts';
import type { PartFormat } from '../../src/formats/format.ts';
import { PLAIN_TEXT } from '../../src/formats/text/line.ts';
import type { BadRule } from '../../src/config/jobConfig.ts';

const MIB = 1024 * 1024;
export const NO_LIMITS = { maxBytes: 128 * MIB, maxAgeMs: 3_600_000, maxIdleMs: 3_600_000 };

export interface FixtureOptions {
  readonly format?: PartFormat;
  readonly bad?: BadRule;
  readonly source: Source;
  readonly untilEnd?: boolean;
  readonly startFrom?: StartFrom;
  readonly rolling?: RollingPolicy;
  readonly assigner?: BucketAssigner;
  readonly naming?: NamingRule;
  readonly moves?: readonly ('sink' | 'group')[];
  readonly checkpointIntervalMs?: number;
  readonly startupMs?: number;
  readonly shutdownMs?: number;
  readonly failpoints?: Failpoints;
  readonly clock?: Clock;
  readonly store?: Store;
  readonly journal?: Journal;
  readonly log?: Log;
  readonly memory?: MemoryBudget;
  readonly presence?: PresenceBoard;
}

/** Scenarios whose clock runs ahead are not to meet these limits, unless they are about them. */
const FOR_EVER_MS = 1_000_000_000;

/** One job's lasting things: its folder and its journal. Coordinators come and go. */
export class JobFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-scenario-'));
  readonly backing = createMemoryBacking();

  /** @param isOfOneTest whether its folder is removed after the test that made it. */
  constructor(isOfOneTest = true) {
    if (!isOfOneTest) return;
    onTestFinished(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  settings(options: FixtureOptions): JobSettings {
    return {
      job: jobName('numbers'),
      fingerprint: 'fingerprint',
      effectiveConfig: null,
      version: '0.0.0',
      naming: options.naming ?? {
        sinkUri: `file://${this.folder}`,
        prefix: 'part',
        suffix: '',
        entropy: null,
      },
      assigner: () => options.assigner ?? noBuckets(),
      format: options.format ?? PLAIN_TEXT,
      bad: options.bad ?? { to: 'stop', stopAfter: 1_000 },
      rolling: options.rolling ?? defaultRollingPolicy(NO_LIMITS),
      checkpointIntervalMs: options.checkpointIntervalMs ?? 20,
      snapshots: { everyEntries: 3, everyMs: 1_000, entriesMin: 2 },
      startFrom: options.startFrom ?? { type: 'earliest' },
      moves: options.moves ?? [],
      untilEnd: options.untilEnd ?? false,
      startupMs: options.startupMs ?? FOR_EVER_MS,
      shutdownMs: options.shutdownMs ?? FOR_EVER_MS,
    };
  }

  coordinator(options: FixtureOptions): Coordinator {
    const failpoints = options.failpoints ?? noFailpoints;
    const ports: Ports = {
      journal: options.journal ?? createMemoryJournal({ backing: this.backing }),
      source: options.source,
      store: withFailpoints(options.store ?? createFileStore(), failpoints),
      clock: options.clock ?? systemClock,
      random: systemRandom,
      failpoints,
      log: options.log ?? silentLog,
      ...(options.memory === undefined ? {} : { memory: options.memory }),
      ...(options.presence === undefined
        ? {}
        : { presence: { board: options.presence, self: { host: 'host-1', pid: 4711 } } }),
    };
    return new Coordinator(ports, this.settings(options));
  }

  /** Every file below the folder whose name and folders are visible to readers, by relative path. */
  committed(): Map<string, string> {
    return new Map(
      this.#files()
        .filter((path) => !path.split('/').some((name) => /^[._]/.test(name)))
        .sort()
        .map((path) => [path, readFileSync(join(this.folder, path), 'utf8')]),
    );
  }

  /**
   * Hidden files: those that should be gone once everything is settled. Witnesses of the journal are to stay.
   */
  temporary(): string[] {
    const hidden = this.#files().filter((path) => path.split('/').some((name) => /^[._]/.test(name)));
    return hidden.filter((path) => !path.includes('.tidemark/_witness/'));
  }

  #files(): string[] {
    return filesIn(this.folder).map((file) => relative(this.folder, file));
  }
}

/**
 * Below the sink a marker may just be renamed to its name: what is gone when it is looked into is no file.
 */
function filesIn(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : [];
  });
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Values 0..count-1 as records of one partition. */
export function numbered(
  partition: number,
  count: number,
  from = 0,
): { value: string; timestampMs: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    value: `${partition}:${from + index}`,
    timestampMs: 0,
  }));
}

/** The system's clock, with every wait this many times shorter. */
export function impatientClock(factor: number): Clock {
  return {
    nowMs: () => systemClock.nowMs() * factor,
    wallMs: () => systemClock.wallMs(),
    pause: (delayMs) => systemClock.pause(delayMs / factor),
    timer: (delayMs, callback) => systemClock.timer(delayMs / factor, callback),
  };
}

/**
 * Timers from this on are limits that nothing reaches unless it hangs; a slow machine must not reach them
 * either.
 */
const LIMITS_FROM_MS = 20_000;

/** The same, but for limits: backoffs and intervals pass quickly. */
export function hastyClock(factor = 50): Clock {
  const impatient = impatientClock(factor);
  return {
    ...impatient,
    timer: (delayMs, callback) => {
      const clock = delayMs < LIMITS_FROM_MS ? impatient : systemClock;
      return clock.timer(delayMs, callback);
    },
  };
}

/** P1 to P3: the records 0..count-1 of each partition are each in one committed file, in order. */
export function expectEachRecordOnce(
  job: Pick<JobFixture, 'committed'>,
  partitions: number,
  count: number,
): void {
  const seen = new Map<string, number>();
  for (const [name, content] of job.committed()) {
    const lines = content.split('\n').slice(0, -1);
    const numbers = lines.map((line) => Number(line.split(':')[1]));
    expect(numbers, `order in ${name}`).toEqual(numbers.toSorted((a, b) => a - b));
    for (const line of lines) seen.set(line, (seen.get(line) ?? 0) + 1);
  }
  const expected = Array.from({ length: partitions }, (_, partition) => numbered(partition, count)).flat();
  expect([...seen.entries()].sort()).toEqual(expected.map(({ value }) => [value, 1]).sort());
}

/** A file store with some of its calls replaced. */
export function storeWith(changes: Partial<Store>, store: Store = createFileStore()): Store {
  const changed: Store = {
    kind: store.kind,
    takeover: store.takeover,
    reading: store.reading,
    scratch: store.scratch,
    temporaries: store.temporaries,
    session: () => changed,
    create: (...args) => store.create(...args),
    commit: (...args) => store.commit(...args),
    commitAfterRecovery: (...args) => store.commitAfterRecovery(...args),
    discard: (...args) => store.discard(...args),
    ...(store.salvage === undefined ? {} : { salvage: store.salvage }),
    claimMarker: (...args) => store.claimMarker(...args),
    readMarker: (...args) => store.readMarker(...args),
    writeWitness: (...args) => store.writeWitness(...args),
    listWitnesses: (...args) => store.listWitnesses(...args),
    removeWitnesses: (...args) => store.removeWitnesses(...args),
    close: () => store.close(),
    ...changes,
  };
  return changed;
}
