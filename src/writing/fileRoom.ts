/**
 * Room for part files that the system holds open, of the whole process: where there is none, files are rolled that have waited longest
 * for a record, whichever partition's they are.
 */
import type { PartWriter } from './partWriter.ts';
import type { RunStats } from './stats.ts';

/** Where the limit is reached, as many are rolled at once: looking for them takes time. */
const ROLLED_TOGETHER_MIN = 32;

/** Whose files can be rolled: one router. */
export interface RoomHolder {
  /** Its files that take records and hold some. */
  rollable(): readonly PartWriter[];
  rollIdle(writer: PartWriter): void;
}

/** Room that was given for files; counts them as held until each is open. */
export interface Opening {
  /** One of them is open, and counted by itself. */
  opened(): void;
  /** No more of them are opened. */
  ended(): void;
  /** The records that they were opened for are written: now others may roll them. */
  written(): void;
}

export class FileRoom {
  readonly #stats: RunStats;
  readonly #filesMax: number;
  readonly #holders = new Set<RoomHolder>();
  /** Openings whose files hold no record yet. */
  #unwritten = 0;
  #waiting: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stats: RunStats, filesMax = Infinity) {
    this.#stats = stats;
    this.#filesMax = filesMax;
  }

  /** Gives the function that leaves again. */
  join(holder: RoomHolder): () => void {
    this.#holders.add(holder);
    return () => void this.#holders.delete(holder);
  }

  /**
   * Waits for room, for one after the other. `choose` is then told how many files fit, at least one, and says how many of them are opened.
   * Where nothing can be rolled a file is opened over the limit: to wait for what may never come would be worse.
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

  /** More are held than may be: nothing is taken over to take records. */
  get isOver(): boolean {
    return this.#left < 0;
  }

  get #left(): number {
    return this.#filesMax - this.#stats.heldFiles;
  }

  async #makeRoom(): Promise<void> {
    while (this.#left < 1) {
      const idlest = [...this.#holders]
        .flatMap((holder) => holder.rollable().map((writer) => ({ holder, writer })))
        .toSorted((one, other) => one.writer.lastWriteAtMs - other.writer.lastWriteAtMs)
        .slice(0, ROLLED_TOGETHER_MIN);
      for (const { holder, writer } of idlest) holder.rollIdle(writer);
      if (idlest.length > 0) await Promise.all(idlest.map(({ writer }) => writer.drained()));
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
