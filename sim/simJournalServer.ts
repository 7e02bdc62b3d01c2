/**
 * The journal of the world: one server that outlives the processes, with its entries and snapshots. Conflicts
 * arise naturally: an append is judged when it arrives, not when it is sent.
 */
import type { JournalId, Subject } from '../journal/ids.ts';
import {
  SNAPSHOTS_KEPT,
  type AppendOutcome,
  type Journal,
  type Revision,
  type StoredEntry,
} from '../journal/port.ts';
import type { JournalCall } from './faultPlan.ts';
import type { SimProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import type { JournalFault } from './schedule.ts';
import type { Scheduler } from './scheduler.ts';
import { SimJournal } from './simJournal.ts';

/**
 * Called for every call; null means no fault. Appends and requests count as `append`, both directions of a
 * snapshot as `snapshot`.
 */
export interface JournalFaults {
  atJournal(process: SimProcess, call: JournalCall): JournalFault | null;
}

export interface SimJournalOptions {
  readonly id: JournalId;
  readonly entryBytesMax: number;
  readonly readBatchEntries: number;
  /** How long a client waits for a reply that does not come. */
  readonly timeoutMs: number;
  /** Called for every entry as it is stored. */
  readonly stored?: (subject: Subject, entry: StoredEntry) => void;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class SimJournalServer {
  readonly options: SimJournalOptions;
  readonly #scheduler: Scheduler;
  readonly #faults: JournalFaults;
  readonly #subjects = new Map<Subject, StoredEntry[]>();
  /** The original entries whose digits were flipped. */
  readonly #sound = new Map<Revision, StoredEntry>();
  readonly #snapshots = new Map<Subject, readonly Uint8Array[]>();
  /** One counter for all subjects, so that revisions have gaps inside a subject, as on a stream. */
  #lastRevision: Revision = 0;
  #awayUntilMs = 0;
  #muteUntilMs = 0;
  /** Whether its disk has room for another entry. */
  hasRoom: () => boolean = () => true;
  /** Changes when the journal went back: calls in flight are lost. */
  generation = 0;

  constructor(scheduler: Scheduler, faults: JournalFaults, options: SimJournalOptions) {
    this.options = options;
    this.#scheduler = scheduler;
    this.#faults = faults;
  }

  connect(process: SimProcess): Journal {
    return new SimJournal(this, process, this.#faults);
  }

  /** Answers nothing for a while; 0 ends that. */
  goAway(forMs: number): void {
    this.#awayUntilMs = this.#scheduler.nowMs + forMs;
  }

  get isAway(): boolean {
    return this.#awayUntilMs > this.#scheduler.nowMs;
  }

  /** Accepts everything and answers nothing for a while; 0 ends that. */
  goMute(forMs: number): void {
    this.#muteUntilMs = this.#scheduler.nowMs + forMs;
  }

  get isMute(): boolean {
    return this.#muteUntilMs > this.#scheduler.nowMs;
  }

  /**
   * Loses the newest entries. Returns the last revision that is left, or null if there was nothing to lose.
   * If its owners keep running, no revision is assigned twice.
   */
  goBack(entries: number, isRunning: boolean): Revision | null {
    const revisions = [...this.#subjects.values()].flatMap((stored) =>
      stored.map(({ revision }) => revision),
    );
    // A copy is always of a started job: its first entry is kept.
    const oldest = [...this.#subjects].find(([subject]) => subject.endsWith('.job.life'))?.[1][0]?.revision;
    if (oldest === undefined) return null;
    const last = Math.max(oldest, revisions.sort((a, b) => b - a)[entries] ?? 0);
    for (const [subject, stored] of this.#subjects)
      this.#subjects.set(
        subject,
        stored.filter(({ revision }) => revision <= last),
      );
    // Their revisions are assigned again, to other entries.
    for (const revision of this.#sound.keys()) if (revision > last) this.#sound.delete(revision);
    for (const stored of this.#subjects.values()) this.#mendLast(stored);
    this.generation += 1;
    if (!isRunning) this.#lastRevision = last;
    return last;
  }

  /** Real journals keep a checksum of each entry: a change is noticed even in the last one. */
  #mendLast(stored: StoredEntry[]): void {
    const sound = this.#sound.get(stored.at(-1)?.revision ?? 0);
    if (sound !== undefined) stored[stored.length - 1] = sound;
  }

  /** Flips a digit of one of the partition's entries, except the last; false if there is none. */
  damage(partition: number, random: SeededRandom): boolean {
    const stored = this.#partitionEntries(partition);
    if (stored.length < 2) return false;
    const at = random.below(stored.length - 1);
    const entry = stored[at];
    if (entry === undefined) return false;
    const text = decoder.decode(entry.bytes);
    const digits = [...text.matchAll(/"(?:nextOffset|length|firstOffset|lastOffset|records)":"?(\d)/g)];
    const found = digits[random.below(Math.max(1, digits.length))];
    if (found === undefined) return false;
    const index = found.index + found[0].length - 1;
    const digit = (Number(text[index]) + 1) % 10;
    if (!this.#sound.has(entry.revision)) this.#sound.set(entry.revision, entry);
    stored[at] = {
      ...entry,
      bytes: encoder.encode(text.slice(0, index) + String(digit) + text.slice(index + 1)),
    };
    return true;
  }

  /** The nextOffset of the last completed checkpoint, or of the first claim; null if there is neither. */
  nextOffsetOf(partition: number): bigint | null {
    for (const { bytes } of this.#partitionEntries(partition).toReversed()) {
      const [, offset] = /"(?:nextOffset|startOffset)":"(\d+)"/.exec(decoder.decode(bytes)) ?? [];
      if (offset !== undefined) return BigInt(offset);
    }
    return null;
  }

  /** Where the partition's log went back, according to its last stop of that kind; null if there was none. */
  divergenceOf(partition: number): bigint | null {
    for (const { bytes } of this.#partitionEntries(partition).toReversed()) {
      const [, offset] = /"divergedAt":"(\d+)"/.exec(decoder.decode(bytes)) ?? [];
      if (offset !== undefined) return BigInt(offset);
    }
    return null;
  }

  #partitionEntries(partition: number): StoredEntry[] {
    for (const [subject, stored] of this.#subjects)
      if (subject.includes('.partition.') && subject.endsWith(`.${partition}`)) return stored;
    return [];
  }

  entries(subject: Subject): readonly StoredEntry[] {
    return this.#subjects.get(subject) ?? [];
  }

  subjects(prefix: string): readonly Subject[] {
    return [...this.#subjects.keys()].filter((subject) => subject.startsWith(prefix)).sort();
  }

  /** Newest first. */
  snapshots(subject: Subject): readonly Uint8Array[] {
    return this.#snapshots.get(subject) ?? [];
  }

  /** `behind`: number of later ones that exist already. */
  keepSnapshot(subject: Subject, bytes: Uint8Array, behind: number): void {
    this.#snapshots.set(
      subject,
      this.snapshots(subject).toSpliced(behind, 0, bytes).slice(0, SNAPSHOTS_KEPT),
    );
  }

  append(subject: Subject, expected: Revision, bytes: Uint8Array): AppendOutcome {
    const lastRevision = this.entries(subject).at(-1)?.revision ?? 0;
    if (lastRevision !== expected) return { type: 'conflict', lastRevision };
    return { type: 'appended', revision: this.store(subject, bytes) };
  }

  store(subject: Subject, bytes: Uint8Array): Revision {
    this.#lastRevision += 1;
    const entry: StoredEntry = { revision: this.#lastRevision, bytes };
    const entries = this.#subjects.get(subject);
    if (entries === undefined) this.#subjects.set(subject, [entry]);
    else entries.push(entry);
    this.options.stored?.(subject, entry);
    return this.#lastRevision;
  }
}
