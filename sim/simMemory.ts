/**
 * The memory of a simulated process: the real budget and the real area for write buffers, both as small as a
 * few files. The system's count is drawn, since a process of the world has no memory of its own.
 */
import type { Ports } from '../src/job/context.ts';
import { MemoryBudget, type FileHolder, type FileMemory } from '../src/system/memoryBudget.ts';
import type { SimProcess } from './process.ts';
import type { WorldConfig } from './schedule.ts';

const LOOK_INTERVAL_MS = 100;
/** As in a job: the rest is for descriptors and actors. */
const AREA_SHARE = 0.6;
/** In percent: how often the system counts too much, whatever was rolled. */
const OVER_SHARE = 10;
const CEILING_BYTES = 1;
const UNPACK_WAITS_SHARE = 25;
const UNPACK_WAIT_MS_MAX = 300;

export interface SimMemory {
  readonly ports: Pick<Ports, 'memory' | 'bufferArea'>;
  /** What the process has borrowed and not returned, in words; empty if nothing. */
  lent(): readonly string[];
}

/** @param memoryBytes memory for part files and their buffers; null: unlimited. */
export function makeMemory(process: SimProcess, memoryBytes: number | null): SimMemory {
  const budget = new WatchedBudget({
    ceilingBytes: CEILING_BYTES,
    writeBytes: memoryBytes ?? Infinity,
    residentBytes: () => (process.chance.percent(OVER_SHARE) ? CEILING_BYTES + 1 : 0),
  });
  const lent = (): readonly string[] => budget.lent();
  if (memoryBytes === null) return { ports: { memory: budget }, lent };
  const look = (): void => {
    budget.look();
    process.clock.timer(LOOK_INTERVAL_MS, look);
  };
  process.clock.timer(LOOK_INTERVAL_MS, look);
  const bufferArea = new Uint8Array(Math.floor(memoryBytes * AREA_SHARE));
  return { ports: { memory: budget, bufferArea }, lent };
}

/** How many part files a process of this world may hold open. */
export function heldMax({ openFilesMax, memoryBytes }: WorldConfig): number {
  const budget = new MemoryBudget({
    ceilingBytes: CEILING_BYTES,
    writeBytes: memoryBytes ?? Infinity,
    residentBytes: () => 0,
  });
  return Math.min(openFilesMax ?? Infinity, budget.openFilesMax);
}

class WatchedBudget extends MemoryBudget {
  #use: FileMemory | null = null;
  readonly #present = new Set<FileHolder>();

  override measure(use: FileMemory): void {
    this.#use = use;
    super.measure(use);
  }

  override join(holder: FileHolder): () => void {
    this.#present.add(holder);
    const leave = super.join(holder);
    return () => {
      this.#present.delete(holder);
      leave();
    };
  }

  lent(): string[] {
    const heldBytes = this.#use?.heldBytes() ?? 0;
    const rolledBytes = this.#use?.rolledBytes() ?? 0;
    return [
      ...(heldBytes === 0 ? [] : [`${heldBytes} bytes of buffers and open files`]),
      ...(rolledBytes === 0 ? [] : [`${rolledBytes} bytes of rolled files`]),
      ...(this.#present.size === 0 ? [] : [`${this.#present.size} places in the memory's budget`]),
    ];
  }
}

/** If memory is short, unpacking a batch sometimes waits for room. */
export function unpackWaitOf(process: SimProcess, memoryBytes: number | null): () => Promise<void> | null {
  return () => {
    if (memoryBytes === null || !process.chance.percent(UNPACK_WAITS_SHARE)) return null;
    return process.clock.pause(process.chance.below(UNPACK_WAIT_MS_MAX));
  };
}
