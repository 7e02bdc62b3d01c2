/**
 * The ceiling of the process's resident memory. The program's own memory is measured and subtracted. Fetches
 * and part files share the rest. Above the ceiling, fetching pauses and the largest file is rolled.
 */
import { TidemarkError } from '../../journal/errors.ts';

const MIB = 1024 * 1024;

/**
 * Memory of an open file besides its buffers: the writer, its descriptor, its actors, its names in the
 * ledger, and its share of V8's garbage. Measured with three thousand open files.
 */
export const OPEN_FILE_BYTES = 9 * 1024;
/** The smallest write buffer of a file. */
export const BUFFER_BYTES_FIRST = 4 * 1024;
/** How far V8's heap and its garbage may grow beyond their size at the start, without files. */
export const HEAP_RESERVE_BYTES = 64 * MIB;
const FETCH_BYTES_MIN = 12 * MIB;
const FETCH_BYTES_MAX = 72 * MIB;
const WRITE_BYTES_MIN = 12 * MIB;
/** Share of the rest for fetches. Files get the remainder. */
const FETCH_SHARE = 0.2;
/** Share of the files' memory for open files, each with its smallest buffer. Others are rolled meanwhile. */
const OPEN_SHARE = 3 / 4;
/** Share of the files' memory for files that are rolled and not yet published. */
const ROLLED_SHARE = 1 / 3;
/** At this share of the ceiling, garbage is collected at once: V8 itself takes its time. */
const COLLECT_SHARE = 0.9;
/** Above it, the resident size is read again only after so many looks. */
const REACTION_LOOKS = 10;

export interface MemoryShares {
  /** Responses of the brokers that wait to be written. */
  readonly fetchBytes: number;
  /** Record batches that are unpacked to be written. */
  readonly unpackBytes: number;
  /** Write buffers and open files. */
  readonly writeBytes: number;
}

/** The lowest possible ceiling if `takenBytes` are already used, rounded up to whole MiB. */
export function leastCeilingBytes(takenBytes: number): number {
  return Math.ceil((takenBytes + HEAP_RESERVE_BYTES + FETCH_BYTES_MIN + WRITE_BYTES_MIN) / MIB) * MIB;
}

/**
 * @param ceilingBytes of this process.
 * @param takenBytes what the program itself uses, and what its store may use.
 * @param processes how many have a ceiling like this one, of one `memory` that they share.
 *
 * Throws CONFIG_INVALID if the ceiling leaves too little, and names the lowest one.
 */
export function shareMemory(ceilingBytes: number, takenBytes: number, processes = 1): MemoryShares {
  const leastBytes = leastCeilingBytes(takenBytes);
  if (ceilingBytes < leastBytes) {
    const leastMiB = (leastBytes / MIB) * processes;
    const shared = processes === 1 ? '' : ` for each of ${processes} processes`;
    throw new TidemarkError(
      'CONFIG_INVALID',
      `memory: ${Math.floor(ceilingBytes / MIB)}MiB${shared} is too little: the program itself and its ` +
        `store take ${Math.ceil(takenBytes / MIB)} MiB here; expected at least ${leastMiB}MiB` +
        `${processes === 1 ? '' : ' for all of them'}.`,
      { fields: { ceilingBytes, takenBytes, leastBytes } },
    );
  }
  const left = ceilingBytes - takenBytes - HEAP_RESERVE_BYTES;
  const shareBytes = Math.max(FETCH_BYTES_MIN, Math.floor(left * FETCH_SHARE));
  const fetchBytes = Math.min(FETCH_BYTES_MAX, shareBytes);
  // Large batches are rare and short-lived. The heap reserve suffices for the usual ones.
  return { fetchBytes, unpackBytes: shareBytes, writeBytes: left - fetchBytes };
}

/** An owner of files that can be rolled: one epoch. */
export interface FileHolder {
  /** Memory of its largest file that takes records, buffers included. 0 if there is none. */
  largestBytes(): number;
  /** Whether files were rolled whose buffers are not free yet. */
  isClosing(): boolean;
  /** Rolls that file. Resolves when its buffers are free. */
  rollLargest(): Promise<void>;
  /** Makes rolled files durable, so that they need not be remembered. */
  settle(): Promise<void>;
}

/** Memory that part files use now. */
export interface FileMemory {
  /** Open files: their buffers, and OPEN_FILE_BYTES for each. */
  heldBytes(): number;
  /** Files that are rolled and not yet published. */
  rolledBytes(): number;
}

export interface BudgetOptions {
  readonly ceilingBytes: number;
  readonly writeBytes: number;
  /** Resident size of this process, as the system reports it. */
  readonly residentBytes: () => number;
  /** Collects garbage. */
  readonly collect?: () => void;
  /** Called once, if the process is over the ceiling although garbage was collected. */
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
  /** Whether a caller was let pass over the limit since the last look. */
  #hasLetPass = false;
  #looksUntilReaction = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  get ceilingBytes(): number {
    return this.#options.ceilingBytes;
  }

  /** What part files take now. */
  get use(): FileMemory {
    return this.#use;
  }

  /** How many files fit, each with its smallest buffer. */
  get openFilesMax(): number {
    const bytes = this.#options.writeBytes * OPEN_SHARE;
    return Math.max(1, Math.floor(bytes / (OPEN_FILE_BYTES + BUFFER_BYTES_FIRST)));
  }

  measure(use: FileMemory): void {
    this.#use = use;
  }

  /** Returns the function that removes the holder again. */
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

  /** Rolling more files would make it worse: only publishing helps. */
  get #isRolledTooMuch(): boolean {
    return this.#use.rolledBytes() > this.#options.writeBytes * ROLLED_SHARE;
  }

  /** Call it many times a second. Reads the resident size, and rolls files while it is too high. */
  look(): void {
    const { ceilingBytes, onOutgrown } = this.#options;
    this.#looksUntilReaction -= 1;
    this.#hasLetPass = false;
    const resident = this.#looksUntilReaction > 0 ? 0 : this.#residentBytes();
    // The system reports late, and freed memory may stay with the process. So one file is rolled before the
    // next look.
    this.#isResidentOver = resident > ceilingBytes;
    if (this.#isResidentOver && !this.#wasTold) {
      this.#wasTold = true;
      onOutgrown?.(resident);
    }
    if (this.isOver) void this.#relieve();
    // Waiting callers check again themselves: what they wait for may have ended in another manner.
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /**
   * Resolves at once if there is room. Else it resolves at a later look that finds room, or finds that none
   * is wanted any more. Where files without records hold all of it, one caller passes at each look: they get
   * no record before the caller goes on, and waiting for something that may never come would be worse.
   */
  async room(isWanted: () => boolean): Promise<void> {
    while (this.isOver && isWanted()) {
      void this.#relieve();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#hasLetPass || !this.#holdsOnlyEmptyFiles) continue;
      this.#hasLetPass = true;
      return;
    }
  }

  /** Nothing that can be rolled, or has been, would free what is held. */
  get #holdsOnlyEmptyFiles(): boolean {
    if (this.#isResidentOver || this.#isRolledTooMuch || !this.#holdsTooMuch) return false;
    return [...this.#holders].every((holder) => holder.largestBytes() === 0 && !holder.isClosing());
  }

  /** Excludes garbage when the size is near the ceiling. */
  #residentBytes(): number {
    const { residentBytes, ceilingBytes, collect } = this.#options;
    const resident = residentBytes();
    if (resident <= ceilingBytes * COLLECT_SHARE) return resident;
    this.#looksUntilReaction = REACTION_LOOKS;
    collect?.();
    return residentBytes();
  }

  /**
   * Rolls one file after the other until it is enough. If none is left to roll, makes rolled files durable.
   */
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
