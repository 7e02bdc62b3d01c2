/**
 * The journal of the world: one server that outlives the processes. Their calls take time and may fail.
 * Conflicts arise naturally: an append is judged when it arrives, not when it is sent.
 */
import type { TidemarkError } from '../journal/errors.ts';
import { JournalFailure } from '../journal/failure.ts';
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

const MUTE: JournalFault = { type: 'lostReply' };
const FULL: JournalFault = { type: 'refused' };
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The outcome of a call that may take effect: an answer, or none before the time-out. */
type Fared<T> = { readonly type: 'answered'; readonly answer: T } | { readonly type: 'silent' | 'refused' };

class SimJournal implements Journal {
  readonly #server: SimJournalServer;
  readonly #process: SimProcess;
  readonly #faults: JournalFaults;
  #closed = false;

  constructor(server: SimJournalServer, process: SimProcess, faults: JournalFaults) {
    this.#server = server;
    this.#process = process;
    this.#faults = faults;
  }

  get id(): JournalId {
    return this.#server.options.id;
  }

  get entryBytesMax(): number {
    return this.#server.options.entryBytesMax;
  }

  async append(subject: Subject, expected: Revision, bytes: Uint8Array): Promise<AppendOutcome> {
    if (this.#closed) return { type: 'unknown', cause: unavailable('it is closed') };
    if (bytes.byteLength > this.entryBytesMax) return tooLarge(bytes.byteLength, this.entryBytesMax);
    const kept = Uint8Array.from(bytes);
    const fared = await this.#send(() => this.#server.append(subject, expected, kept));
    switch (fared.type) {
      case 'answered':
        return fared.answer;
      case 'silent':
        return { type: 'unknown', cause: unavailable('no reply in time') };
      case 'refused':
        return { type: 'refused', retryable: true, cause: full() };
    }
  }

  async fileRequest(subject: Subject, bytes: Uint8Array): Promise<Revision> {
    if (this.#closed) throw unavailable('it is closed');
    const kept = Uint8Array.from(bytes);
    const fared = await this.#send(() => this.#server.store(subject, kept));
    if (fared.type === 'answered') return fared.answer;
    throw unavailable('it may or may not have taken the request');
  }

  /** Sends a request that takes effect when it arrives. */
  #send<T>(effect: () => T): Promise<Fared<T>> {
    const server = this.#server;
    const fault = this.#faults.atJournal(this.#process, 'append') ?? silenceOf(server);
    const { thereMs, backMs } = this.#process.drawFare();
    const { timeoutMs } = server.options;
    const { generation } = server;
    const silence = { thereMs, backMs: timeoutMs };
    const arrive = (): Fared<T> =>
      server.isAway || server.generation !== generation
        ? { type: 'silent' }
        : { type: 'answered', answer: effect() };
    switch (fault?.type) {
      case 'lostReply':
        return this.#process.call(silence, () => {
          arrive();
          return { type: 'silent' };
        });
      case 'lostRequest':
        return this.#process.call(silence, () => ({ type: 'silent' }));
      case 'late': {
        // Arrives after the caller has given up, drawn around the time of its next attempts.
        const lateMs = timeoutMs + this.#process.chance.below(timeoutMs + 1);
        this.#process.scheduler.after(lateMs, null, () => void arrive());
        return this.#process.call(silence, () => ({ type: 'silent' }));
      }
      case 'refused':
        return this.#process.call({ thereMs, backMs }, () => ({ type: 'refused' }));
      default:
        return this.#server.isAway
          ? this.#process.call(silence, arrive)
          : this.#process.call({ thereMs, backMs }, arrive);
    }
  }

  async *read(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    if (this.#closed) throw unavailable('it is closed');
    const fault = this.#faults.atJournal(this.#process, 'read');
    let left = fault?.type === 'brokenRead' ? fault.entries : Infinity;
    const size = this.#server.options.readBatchEntries;
    let from = after;
    let upTo: Revision | null = null;
    for (;;) {
      const { batch, end } = await this.#ask(() => {
        const entries = this.#server.entries(subject);
        const known = upTo ?? endOf(entries, fault?.type === 'staleRead' ? fault.entries : 0);
        return { batch: page(entries, from, known, Math.min(size, left)), end: known };
      });
      upTo = end;
      left -= batch.length;
      // Copies: a caller that changes its bytes changes nothing here.
      if (batch.length > 0) yield batch.map(({ revision, bytes }) => ({ revision, bytes: bytes.slice() }));
      if (left === 0) throw unavailable('it stopped answering');
      from = batch.at(-1)?.revision ?? from;
      if (batch.length < size || from === upTo) break;
    }
    if (fault?.type === 'brokenRead') throw unavailable('it stopped answering');
  }

  requests(subject: Subject, after: Revision): AsyncIterable<readonly StoredEntry[]> {
    return this.read(subject, after);
  }

  async subjects(prefix: string): Promise<readonly Subject[]> {
    if (this.#closed) throw unavailable('it is closed');
    return this.#ask(() => this.#server.subjects(prefix));
  }

  async writeSnapshot(subject: Subject, bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw unavailable('it is closed');
    const fault = this.#faults.atJournal(this.#process, 'snapshot')?.type;
    const kept = fault === 'damagedSnapshot' ? this.#damaged(bytes) : bytes.slice();
    await this.#ask(() => {
      if (fault !== 'lostSnapshot')
        this.#server.keepSnapshot(subject, kept, fault === 'staleSnapshot' ? 1 : 0);
    });
  }

  async *snapshots(subject: Subject): AsyncGenerator<Uint8Array> {
    if (this.#closed) throw unavailable('it is closed');
    const fault = this.#faults.atJournal(this.#process, 'snapshot')?.type;
    const kept = fault === 'lostSnapshot' ? [] : await this.#ask(() => this.#server.snapshots(subject));
    for (const bytes of kept.slice(fault === 'staleSnapshot' ? 1 : 0))
      yield fault === 'damagedSnapshot' ? this.#damaged(bytes) : bytes.slice();
  }

  #damaged(bytes: Uint8Array): Uint8Array {
    const damaged = bytes.slice();
    const at = this.#process.chance.below(bytes.byteLength);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    return damaged;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #ask<T>(question: () => T): Promise<T> {
    const fare = this.#process.drawFare();
    const server = this.#server;
    const { timeoutMs } = server.options;
    const isSilent = (): boolean => server.isAway || server.isMute;
    const asked = isSilent() ? { ...fare, backMs: timeoutMs } : fare;
    const answer = await this.#process.call(asked, () => (isSilent() ? null : { value: question() }));
    if (answer === null) throw unavailable('no reply in time');
    return answer.value;
  }
}

function silenceOf({ isMute, hasRoom }: SimJournalServer): JournalFault | null {
  if (isMute) return MUTE;
  return hasRoom() ? null : FULL;
}

/** The last revision that a reader sees who misses the `missed` newest entries. */
function endOf(entries: readonly StoredEntry[], missed: number): Revision {
  return entries.at(-1 - missed)?.revision ?? 0;
}

function page(entries: readonly StoredEntry[], after: Revision, upTo: Revision, size: number): StoredEntry[] {
  const from = indexBehind(entries, after);
  return entries.slice(from, Math.min(from + size, indexBehind(entries, upTo)));
}

/** Index of the first entry whose revision is greater. */
function indexBehind(entries: readonly StoredEntry[], revision: Revision): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.revision ?? 0) > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}

function unavailable(why: string): TidemarkError {
  return new JournalFailure('unavailable', `The journal of the world does not answer: ${why}.`);
}

function full(): TidemarkError {
  return new JournalFailure('full', 'The journal of the world was told to refuse appends.');
}

function tooLarge(bytes: number, max: number): AppendOutcome {
  const cause = new JournalFailure('entryTooLarge', `${bytes} bytes are over the limit of ${max}.`);
  return { type: 'refused', retryable: false, cause };
}
