/**
 * The ceiling of the process's resident memory. What the program itself takes is measured and subtracted; the rest is shared by
 * fetches and part files. Over it fetching pauses and the largest file is rolled.
 */
import { TidemarkError } from '../../journal/errors.ts';

const MIB = 1024 * 1024;

/** What an open file takes besides its buffers: the writer, its descriptor, its actors, its names in the ledger. */
export const OPEN_FILE_BYTES = 8 * 1024;
/** The smallest write buffer of a file. */
export const BUFFER_BYTES_FIRST = 4 * 1024;
/** How far V8's heap and its garbage may grow beyond what they were at the start, files not counted. */
const HEAP_RESERVE_BYTES = 64 * MIB;
const FETCH_BYTES_MIN = 12 * MIB;
const FETCH_BYTES_MAX = 72 * MIB;
const WRITE_BYTES_MIN = 12 * MIB;
/** Of what is left; the files get the rest. */
const FETCH_SHARE = 0.2;
/** How much of what files may take those may that are open, each with its smallest buffer: others are rolled meanwhile. */
const OPEN_SHARE = 3 / 4;
/** How much of what files may take those may that are rolled and not yet published. */
const ROLLED_SHARE = 1 / 3;
/** From this share of the ceiling on garbage is collected at once: V8 itself takes its time. */
const COLLECT_SHARE = 0.9;
/** Behind it the system's count is looked at again after so many looks. */
const REACTION_LOOKS = 10;

export interface MemoryShares {
  /** Answers of the brokers that wait to be written. */
  readonly fetchBytes: number;
  /** Batches of records that are unpacked to be written. */
  readonly unpackBytes: number;
  /** Write buffers and open files. */
  readonly writeBytes: number;
}

/** The least ceiling where so much is taken already, in whole MiB. */
export function leastCeilingBytes(takenBytes: number): number {
  return Math.ceil((takenBytes + HEAP_RESERVE_BYTES + FETCH_BYTES_MIN + WRITE_BYTES_MIN) / MIB) * MIB;
}

/**
 * @param takenBytes what the program itself takes, and what its store may.
 *
 * Rejects with CONFIG_INVALID a ceiling that leaves too little, and names the least.
 */
export function shareMemory(ceilingBytes: number, takenBytes: number): MemoryShares {
  const leastBytes = leastCeilingBytes(takenBytes);
  if (ceilingBytes < leastBytes) {
    const leastMiB = leastBytes / MIB;
    throw new TidemarkError(
      'CONFIG_INVALID',
      `memory: ${Math.floor(ceilingBytes / MIB)}MiB is too little: the program itself and its store take ` +
        `${Math.ceil(takenBytes / MIB)} MiB here; expected at least ${leastMiB}MiB.`,
      { fields: { ceilingBytes, takenBytes, leastBytes } },
    );
  }
  const left = ceilingBytes - takenBytes - HEAP_RESERVE_BYTES;
  const shareBytes = Math.max(FETCH_BYTES_MIN, Math.floor(left * FETCH_SHARE));
  const fetchBytes = Math.min(FETCH_BYTES_MAX, shareBytes);
  // Large batches are seldom, and in memory for moments: what the heap may grow by serves for the usual ones.
  return { fetchBytes, unpackBytes: shareBytes, writeBytes: left - fetchBytes };
}

/** Whose files can be rolled: one epoch. */
export interface FileHolder {
  /** What its largest file that takes records holds in buffers and on its own; 0 where there is none. */
  largestBytes(): number;
  /** Rolls that file; resolves once its buffers are free. */
  rollLargest(): Promise<void>;
  /** Has what is rolled made durable, so that it need not be remembered. */
  settle(): Promise<void>;
}

/** What part files take now. */
export interface FileMemory {
  /** Those that the system holds open: their buffers, and OPEN_FILE_BYTES for each. */
  heldBytes(): number;
  /** Those that are rolled and not yet published. */
  rolledBytes(): number;
}

export interface BudgetOptions {
  readonly ceilingBytes: number;
  readonly writeBytes: number;
  /** What the system counts for this process. */
  readonly residentBytes: () => number;
  /** Collects garbage. */
  readonly collect?: () => void;
  /** Told once, where the process is over the ceiling although garbage was collected. */
  readonly onOutgrown?: (residentBytes: number) => void;
}

export class MemoryBudget {
  readonly #options: BudgetOptions;
  readonly #holders = new Set<FileHolder>();
  #use: FileMemory = { heldBytes: () => 0, rolledBytes: () => 0 };
  #waiting: (() => void)[] = [];
  #isRelieving = false;
  #isResidentOver = false;
  #wasTold = false;
  #looksUntilReaction = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** As many files fit, each with its smallest buffer. */
  get openFilesMax(): number {
    const bytes = this.#options.writeBytes * OPEN_SHARE;
    return Math.max(1, Math.floor(bytes / (OPEN_FILE_BYTES + BUFFER_BYTES_FIRST)));
  }

  measure(use: FileMemory): void {
    this.#use = use;
  }

  /** Gives the function that leaves again. */
  join(holder: FileHolder): () => void {
    this.#holders.add(holder);
    return () => void this.#holders.delete(holder);
  }

  get isOver(): boolean {
    return this.#isResidentOver || this.#holdsTooMuch || this.#isRolledTooMuch;
  }

  get #holdsTooMuch(): boolean {
    return this.#use.heldBytes() > this.#options.writeBytes;
  }

  /** To roll even more would make it worse: only to publish helps. */
  get #isRolledTooMuch(): boolean {
    return this.#use.rolledBytes() > this.#options.writeBytes * ROLLED_SHARE;
  }

  /** To be called many times a second: looks at what the system counts, and rolls files while it is too much. */
  look(): void {
    const { ceilingBytes, onOutgrown } = this.#options;
    this.#looksUntilReaction -= 1;
    const resident = this.#looksUntilReaction > 0 ? 0 : this.#residentBytes();
    // The system counts late, and what was freed may stay with the process: one file is rolled, and only then looked again.
    this.#isResidentOver = resident > ceilingBytes;
    if (this.#isResidentOver && !this.#wasTold) {
      this.#wasTold = true;
      onOutgrown?.(resident);
    }
    if (this.isOver) void this.#relieve();
    // Whoever waits looks again himself: what he waits for may have ended otherwise.
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves at once while there is room, else with a later look that finds some, or finds that it is not wanted any more. */
  async room(isWanted: () => boolean): Promise<void> {
    while (this.isOver && isWanted()) {
      void this.#relieve();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** With garbage left out where it matters. */
  #residentBytes(): number {
    const { residentBytes, ceilingBytes, collect } = this.#options;
    const resident = residentBytes();
    if (resident <= ceilingBytes * COLLECT_SHARE) return resident;
    this.#looksUntilReaction = REACTION_LOOKS;
    collect?.();
    return residentBytes();
  }

  /** One file after the other until it is enough; where none is left to be rolled, what was rolled is made durable. */
  async #relieve(): Promise<void> {
    if (this.#isRelieving) return;
    this.#isRelieving = true;
    try {
      let isRolling = this.#holdsTooMuch || this.#isResidentOver;
      while (isRolling) {
        const [largest] = [...this.#holders].toSorted((a, b) => b.largestBytes() - a.largestBytes());
        if (largest === undefined || largest.largestBytes() === 0) break;
        await largest.rollLargest();
        isRolling = this.#holdsTooMuch;
      }
      if (this.#holdsTooMuch || this.#isRolledTooMuch)
        await Promise.all([...this.#holders].map((holder) => holder.settle()));
    } finally {
      this.#isRelieving = false;
    }
  }
}
