/**
 * Limits the part files that the whole process holds open. If there is no room, the files that have waited
 * longest for a record are rolled, in any partition.
 */
import type { PartWriter } from './partWriter.ts';
import type { RunStats } from './runStats.ts';

/**
 * At the limit, so many are rolled at once, because looking for them takes time: a share of all, or this
 * many.
 */
const ROLLED_TOGETHER_MAX = 32;
const ROLLED_SHARE = 8;

/** An owner of files that can be rolled: one router. */
export interface RoomHolder {
  /** Its files that take records and contain some. */
  rollable(): readonly PartWriter[];
  /** Its files that were rolled and are not closed yet. */
  closing(): readonly PartWriter[];
  rollIdle(writer: PartWriter): void;
}

/** Room that was reserved for files, which count as held until each is open. */
export interface Opening {
  /** One of them is open and now counts by itself. */
  opened(): void;
  /** No more of them will be opened. */
  ended(): void;
  /** The records that they were opened for are written: others may now roll them. */
  written(): void;
}

export class FileRoom {
  readonly #stats: RunStats;
  readonly #filesMax: number;
  readonly #holders = new Set<RoomHolder>();
  /** Openings whose files contain no record yet. */
  #unwritten = 0;
  #waiting: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stats: RunStats, filesMax = Infinity) {
    this.#stats = stats;
    this.#filesMax = filesMax;
  }

  /** Returns the function that leaves again. */
  join(holder: RoomHolder): () => void {
    this.#holders.add(holder);
    return () => void this.#holders.delete(holder);
  }

  /**
   * Waits for room; callers are served in turn. `choose` gets the number of files that fit, at least one, and
   * returns how many are opened. If nothing can be rolled and nothing is being closed, a file is opened over
   * the limit: waiting for something that may never come would be worse.
   */
  async reserve(choose: (room: number) => number): Promise<Opening> {
    const before = this.#turn;
    const turn = Promise.withResolvers<undefined>();
    this.#turn = turn.promise;
    await before;
    try {
      await this.#makeRoom();
      return this.#count(choose(Math.max(1, this.#left)));
    } finally {
      turn.resolve(undefined);
    }
  }

  /** More are held than allowed: no file is taken over to take records. */
  get isOver(): boolean {
    return this.#left < 0;
  }

  get #left(): number {
    return this.#filesMax - this.#stats.heldFiles;
  }

  async #makeRoom(): Promise<void> {
    while (this.#left < 1) {
      const holders = [...this.#holders];
      const idlest = holders
        .flatMap((holder) => holder.rollable().map((writer) => ({ holder, writer })))
        .toSorted((one, other) => one.writer.lastWriteAtMs - other.writer.lastWriteAtMs)
        .slice(0, Math.min(ROLLED_TOGETHER_MAX, Math.max(1, Math.floor(this.#filesMax / ROLLED_SHARE))));
      for (const { holder, writer } of idlest) holder.rollIdle(writer);
      this.#stats.counts.forcedRolls.openFiles += idlest.length;
      const closing = holders.flatMap((holder) => holder.closing());
      if (idlest.length > 0) await Promise.all(idlest.map(({ writer }) => writer.drained()));
      else if (closing.length > 0) await Promise.race(closing.map((writer) => writer.drained()));
      else if (this.#unwritten === 0) return;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #count(files: number): Opening {
    const stats = this.#stats;
    let announced = files;
    let isWritten = false;
    stats.heldFiles += announced;
    this.#unwritten += 1;
    return {
      opened: () => {
        announced -= 1;
        stats.heldFiles -= 1;
      },
      ended: () => {
        stats.heldFiles -= announced;
        announced = 0;
      },
      written: () => {
        if (isWritten) return;
        isWritten = true;
        this.#unwritten -= 1;
        for (const resolve of this.#waiting.splice(0)) resolve();
      },
    };
  }
}
