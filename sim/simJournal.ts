/**
 * A process's connection to the journal of the world. Its calls take time and may fail.
 */
import type { TidemarkError } from '../journal/errors.ts';
import { JournalFailure } from '../journal/failure.ts';
import type { JournalId, Subject } from '../journal/ids.ts';
import type { AppendOutcome, Journal, Revision, StoredEntry } from '../journal/port.ts';
import type { SimProcess } from './process.ts';
import type { JournalFault } from './schedule.ts';
import type { JournalFaults, SimJournalServer } from './simJournalServer.ts';

const MUTE: JournalFault = { type: 'lostReply' };
const FULL: JournalFault = { type: 'refused' };

/** The outcome of a call that may take effect: an answer, or none before the time-out. */
type Fared<T> = { readonly type: 'answered'; readonly answer: T } | { readonly type: 'silent' | 'refused' };

export class SimJournal implements Journal {
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
