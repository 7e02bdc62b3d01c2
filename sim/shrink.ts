/**
 * Reduces a failing schedule to the smallest nearby one that breaks the same invariant. Works on the schedule
 * itself: faults, then the workload, then the settings; repeats as long as that helps.
 */
import type { World } from './executor.ts';
import { CHANGED_KEYS, type JobChange } from './job/change.ts';
import type { Fault, Invariant, LogItem, Schedule, WorldConfig } from './schedule.ts';

/** Maximum number of worlds for one failure, so that it is always reported soon. */
const SHRINK_RUNS_MAX = 400;

export interface Shrunk {
  readonly schedule: Schedule;
  readonly runs: number;
}

/** The schedule broke the invariant; stops when `isOver` says so. */
export async function shrink(
  world: World,
  schedule: Schedule,
  invariant: Invariant,
  isOver: () => boolean,
): Promise<Shrunk> {
  const shrinking = new Shrinking(world, schedule, invariant, isOver);
  await shrinking.run();
  return { schedule: shrinking.smallest, runs: shrinking.runs };
}

class Shrinking {
  smallest: Schedule;
  runs = 0;
  readonly #world: World;
  readonly #invariant: Invariant;
  readonly #isOver: () => boolean;

  constructor(world: World, schedule: Schedule, invariant: Invariant, isOver: () => boolean) {
    this.#world = world;
    this.smallest = schedule;
    this.#invariant = invariant;
    this.#isOver = isOver;
  }

  async run(): Promise<void> {
    let before: Schedule;
    do {
      before = this.smallest;
      await this.#fewer(
        () => this.smallest.faults,
        (faults) => ({ ...this.smallest, faults }),
      );
      await this.#partitions();
      for (let partition = 0; partition < this.smallest.workload.partitions.length; partition += 1)
        await this.#items(partition);
      await this.#each(SIMPLE_SETTINGS.map((settings) => () => withSettings(this.smallest, settings)));
      await this.#each(
        [...this.smallest.faults.keys()].flatMap((at) =>
          simplerFaults.map((simpler) => () => this.#withFault(at, simpler)),
        ),
      );
    } while (this.smallest !== before && !this.#isSpent);
  }

  get #isSpent(): boolean {
    return this.runs >= SHRINK_RUNS_MAX || this.#isOver();
  }

  /** Whether this breaks the invariant, too; then it is the smallest one known. */
  async #try(candidate: Schedule | null): Promise<boolean> {
    if (candidate === null || this.#isSpent) return false;
    this.runs += 1;
    const { violations } = await this.#world(candidate);
    const breaks = violations.some(({ invariant }) => invariant === this.#invariant);
    if (breaks) this.smallest = candidate;
    return breaks;
  }

  async #each(candidates: readonly (() => Schedule | null)[]): Promise<void> {
    for (const candidate of candidates) await this.#try(candidate());
  }

  /** Removes halves, then quarters, and finally single items; `least` of them stay. */
  async #fewer<T>(of: () => readonly T[], make: (items: readonly T[]) => Schedule, least = 0): Promise<void> {
    for (let size = Math.ceil(of().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < of().length && !this.#isSpent;) {
        const items = of();
        const left = [...items.slice(0, at), ...items.slice(at + size)];
        if (left.length < least || !(await this.#try(make(left)))) at += size;
      }
    }
  }

  async #partitions(): Promise<void> {
    for (let at = this.smallest.workload.partitions.length - 1; at >= 0; at -= 1) {
      if (this.smallest.workload.partitions.length > 1) await this.#try(withoutPartition(this.smallest, at));
    }
  }

  async #items(partition: number): Promise<void> {
    const items = (): readonly LogItem[] => this.smallest.workload.partitions[partition] ?? [];
    await this.#fewer(items, (left) => withItems(this.smallest, partition, left), 1);
    for (const at of items().keys()) {
      for (const simpler of simplerItems) {
        const item = items()[at];
        const next = item === undefined ? null : simpler(item, this.smallest.config);
        if (next !== null) await this.#try(withItems(this.smallest, partition, items().with(at, next)));
      }
    }
  }

  #withFault(at: number, simpler: (fault: Fault) => Fault | null): Schedule | null {
    const fault = this.smallest.faults[at];
    const next = fault === undefined ? null : simpler(fault);
    return next === null ? null : { ...this.smallest, faults: this.smallest.faults.with(at, next) };
  }
}

function withItems(schedule: Schedule, partition: number, items: readonly LogItem[]): Schedule {
  const partitions = schedule.workload.partitions.with(partition, items);
  return { ...schedule, workload: { ...schedule.workload, partitions } };
}

/** Faults of the partition are removed with it; later ones are renumbered. */
function withoutPartition(schedule: Schedule, at: number): Schedule {
  const partitions = schedule.workload.partitions.toSpliced(at, 1);
  const faults = schedule.faults.flatMap((fault): Fault[] => {
    if (!('partition' in fault) || fault.partition < at) return [fault];
    return fault.partition === at ? [] : [{ ...fault, partition: fault.partition - 1 }];
  });
  return { ...schedule, faults, workload: { ...schedule.workload, partitions } };
}

const SIMPLE_SETTINGS: readonly Partial<WorldConfig>[] = [
  { processes: 1 },
  { processes: 2 },
  { buckets: { by: 'none' } },
  { content: undefined },
  { records: undefined },
  { entropy: false },
  { latencyMsMax: 2 },
  { entryBytesMax: 100_000 },
  { readBatchEntries: 100 },
  { snapshotEntries: 1_000 },
  { fetchBatchesMax: 1 },
  { openFilesMax: null },
  { memoryBytes: null },
  { timeoutMs: 100 },
  { restartMs: 100 },
  { dismissesDeadMember: true },
  { checkpointIntervalMs: 100 },
  { roll: { maxBytes: 1_000, maxAgeMs: 800, maxIdleMs: 400, atCheckpoint: false } },
];

/** Null if the schedule has these settings, or simpler ones. */
function withSettings(schedule: Schedule, settings: Partial<WorldConfig>): Schedule | null {
  const { config } = schedule;
  const isSame = Object.entries(settings).every(
    ([key, value]) => JSON.stringify(config[key as keyof WorldConfig]) === JSON.stringify(value),
  );
  if (isSame || (settings.processes ?? 0) > config.processes) return null;
  return { ...schedule, config: { ...config, ...settings } };
}

const simplerItems: readonly ((item: LogItem, config: WorldConfig) => LogItem | null)[] = [
  (item) => {
    if (item.type !== 'transaction') return null;
    const { type: _, endsAtMs: _endsAtMs, committed: _committed, ...rest } = item;
    return { type: 'records', ...rest };
  },
  (item) => (item.type === 'hole' || item.records === 1 ? null : { ...item, records: 1 }),
  (item) => (item.type === 'hole' || item.nullEvery === 0 ? null : { ...item, nullEvery: 0 }),
  (item, { wallStartMs }) =>
    item.type === 'hole' || (item.stepMs === 0 && item.timestampMs === wallStartMs)
      ? null
      : { ...item, stepMs: 0, timestampMs: wallStartMs },
  (item) => (item.atMs === 0 ? null : { ...item, atMs: 0 }),
];

const simplerFaults: readonly ((fault: Fault) => Fault | null)[] = [
  (fault) => ('nth' in fault && fault.nth > 1 ? { ...fault, nth: 1 } : null),
  (fault) => ('life' in fault && fault.life > 0 ? { ...fault, life: fault.life - 1 } : null),
  (fault) => ('process' in fault && fault.process === 1 ? { ...fault, process: 0 } : null),
  (fault) => ('atMs' in fault && fault.atMs > 0 ? { ...fault, atMs: Math.floor(fault.atMs / 2) } : null),
  (fault) => ('forMs' in fault && fault.forMs > 100 ? { ...fault, forMs: 100 } : null),
  (fault) => (fault.type === 'reconfigure' && fault.how !== 'drained' ? { ...fault, how: 'drained' } : null),
  ...CHANGED_KEYS.map((key) => (fault: Fault) => withoutSetting(fault, key)),
];

/** Reverts one setting of an edited job file. */
function withoutSetting(fault: Fault, key: keyof JobChange): Fault | null {
  if (fault.type !== 'reconfigure' || fault.change[key] === undefined) return null;
  const { [key]: _, ...change } = fault.change;
  return { ...fault, change };
}
