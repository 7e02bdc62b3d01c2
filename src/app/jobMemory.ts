/** The memory of a running job: its shares, its budget, and limits for V8. */
import { runInNewContext } from 'node:vm';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { reserve } from '../../kernels/memory.ts';
import type { Log } from '../telemetry/log.ts';
import { leastCeilingBytes, MemoryBudget, shareMemory, type MemoryShares } from '../system/memoryBudget.ts';

const MIB = 1024 * 1024;
/** If neither the job file nor the format says more; the store's memory is added to it. */
const CEILING_BYTES_DEFAULT = 256 * MIB;
const LOOK_INTERVAL_MS = 100;
/** Lines can be copied into it in bulk. The machine provides only as much of it as is used. */
const AREA_BYTES_MAX = 40 * MIB;
/** Share of the part files' memory; the rest is for descriptors and actors. */
const AREA_SHARE = 0.6;
/**
 * V8 would let its new space grow to 128 MiB; the hot path makes few objects and seldom needs more than this.
 */
const NEW_SPACE_BYTES_MAX = 8 * MIB;
/** V8 would let garbage pile up until its old space is several times its live size. */
const OLD_SPACE_GROWTH_PERCENT = 20;

export interface JobMemory {
  readonly shares: MemoryShares;
  readonly budget: MemoryBudget;
  readonly bufferArea: Uint8Array;
  end(): void;
}

export interface MemoryNeeds {
  /** Of the default, without the store's; null: the usual one. */
  readonly formatBytes: number | null;
  /** What the store may use besides the buffers of the job. */
  readonly storeBytes: number;
}

export interface MemoryWanted extends MemoryNeeds {
  /** Null: a default, raised if the program itself needs more than usual. */
  readonly ceilingBytes: number | null;
  /** How many processes share it. Absent: it is this one's alone. */
  readonly processes?: number | undefined;
}

export interface JobMemoryOptions extends MemoryWanted {
  readonly log: Log;
}

/**
 * What the job file says, or this process's part of it. Else a default that suffices, if the program takes
 * `takenBytes` by itself.
 */
export function ceilingOf(
  { ceilingBytes, processes = 1, formatBytes, storeBytes }: MemoryWanted,
  takenBytes: number,
): number {
  const usualBytes = (formatBytes ?? CEILING_BYTES_DEFAULT) + storeBytes;
  if (ceilingBytes !== null) return Math.floor(ceilingBytes / processes);
  return Math.max(usualBytes, leastCeilingBytes(takenBytes));
}

/**
 * Call it when everything is loaded and nothing is read yet: memory in use now counts as the program's own.
 */
export function openJobMemory({ log, ...wanted }: JobMemoryOptions): JobMemory {
  const residentBytes = residentReader();
  const takenBytes = residentBytes() + wanted.storeBytes;
  const ceilingBytes = ceilingOf(wanted, takenBytes);
  const shares = shareMemory(ceilingBytes, takenBytes, wanted.ceilingBytes === null ? 1 : wanted.processes);
  log.debug({ ceilingBytes, takenBytes, ...shares }, 'memory shared');
  const budget = new MemoryBudget({
    ceilingBytes,
    writeBytes: shares.writeBytes,
    residentBytes,
    collect: garbageCollector(),
    onOutgrown: (foundBytes) => {
      log.warn(
        { residentBytes: foundBytes, ceilingBytes },
        'the process takes more memory than the job may: files are rolled early; ' +
          'raise memory in the job file',
      );
    },
  });
  setFlagsFromString(`--heap-growing-percent=${OLD_SPACE_GROWTH_PERCENT}`);
  const timer = setInterval(() => {
    budget.look();
    keepNewSpaceSmall();
  }, LOOK_INTERVAL_MS);
  timer.unref();
  const bufferArea = reserve(Math.min(AREA_BYTES_MAX, Math.floor(shares.writeBytes * AREA_SHARE)));
  return { shares, budget, bufferArea, end: () => clearInterval(timer) };
}

/**
 * The resident memory of this process. Reading it opens a file, which fails if the process has no descriptor
 * left. It then returns the last value, since a timer calls it and nobody could handle the error; 0 if there
 * was none yet.
 */
export function residentReader(read: () => number = () => process.memoryUsage.rss()): () => number {
  let lastBytes = 0;
  return () => {
    try {
      lastBytes = read();
    } catch (error) {
      if (!isOutOfHandles(error)) throw error;
    }
    return lastBytes;
  };
}

const isOutOfHandles = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');

/** Its size cannot be set once Node runs, but its growth can be stopped. */
function keepNewSpaceSmall(): void {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  if (space !== undefined && space.space_size >= NEW_SPACE_BYTES_MAX)
    setFlagsFromString('--semi-space-growth-factor=1');
}

/** V8's own, which Node exposes only on request. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
