/**
 * What the journal's tests share: identities, events, a pacer without time, and chains of entries built by
 * hand.
 */
import { encodeEntry, hashEntry, type Entry } from '../../../journal/entry.ts';
import { FORMAT_OF_MOST } from '../../../journal/entryFormats.ts';
import type { JournalEvent } from '../../../journal/events.ts';
import { claimId, jobName, NO_HASH, partId, type ClaimId, type Subject } from '../../../journal/ids.ts';
import type { Journal, Pacer, Revision } from '../../../journal/port.ts';
import { EMPTY_TAIL, replay, type ReplayedEntry, type Tail } from '../../../journal/replay.ts';
import { partitionSubject, requestSubject } from '../../../journal/subjects.ts';
import { SubjectWriter, type WriterIdentity, type WriterOptions } from '../../../journal/writer.ts';

export const JOB = jobName('clicks');

export function subjectOf(topic = 'events', partition = 0): Subject {
  return partitionSubject(JOB, { topic, partition });
}

export function requestsOf(topic = 'events', partition = 0): Subject {
  return requestSubject(JOB, { topic, partition });
}

export function claim(number: number): ClaimId {
  return claimId(number.toString(16).padStart(32, '0'));
}

export function identity(epoch = 1, claimNumber = epoch): WriterIdentity {
  return { job: JOB, topic: 'events', partition: 0, epoch, claimId: claim(claimNumber) };
}

export function claimed(epoch = 1): JournalEvent {
  return { type: 'epochClaimed', epoch, claimId: claim(epoch), startOffset: 0n };
}

/** A small event that tells itself from others by its number. */
export function committed(number: number): JournalEvent {
  return { type: 'partCommitted', partId: partId(number.toString(16).padStart(32, '0')) };
}

/** An event whose entry is at least this long. */
export function bulky(bytes: number): JournalEvent {
  const name = 'x'.repeat(bytes);
  return {
    ...{ type: 'partOpened', partId: partId('a'.repeat(32)), bucket: name, format: 'text' },
    ...{ finalUri: 'file:///f', temporaryUri: 'file:///t', firstOffset: 0n, generation: 1, openedAtMs: 0 },
  };
}

/** Time passes only by pausing; every pause is noted. */
export class ManualPacer implements Pacer {
  nowAtMs = 0;
  readonly pausesMs: number[] = [];
  /** Called within every pause, with the number of the pause, from 1. */
  onPause: (pause: number) => void | Promise<void> = () => undefined;

  nowMs(): number {
    return this.nowAtMs;
  }

  async pause(delayMs: number): Promise<void> {
    this.nowAtMs += delayMs;
    this.pausesMs.push(delayMs);
    await this.onPause(this.pausesMs.length);
  }
}

/** Waits for real: for journals behind a network. */
export const realPacer: Pacer = {
  nowMs: () => performance.now(),
  pause: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
};

export function writerOn(
  journal: Journal,
  subject: Subject,
  tail: Tail = EMPTY_TAIL,
  options: Partial<WriterOptions> = {},
): SubjectWriter {
  const timestamp = (): string => '2024-01-01T00:00:00.000Z';
  return new SubjectWriter({ journal, subject, timestamp, pacer: realPacer, ...options }, tail);
}

export async function replayAll(journal: Journal, subject: Subject, from?: Tail): Promise<ReplayedEntry[]> {
  const entries: ReplayedEntry[] = [];
  for await (const replayed of replay(journal, subject, from)) entries.push(replayed);
  return entries;
}

export async function readAll(
  journal: Journal,
  subject: Subject,
  after: Revision = 0,
): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const batch of journal.read(subject, after))
    found.push(...batch.map(({ bytes }) => Uint8Array.from(bytes)));
  return found;
}

/** `count` entries, each chained to the one before, as a writer stores them. */
export function chain(count: number, change: (entry: Entry) => Entry = (entry) => entry): Uint8Array[] {
  const chained: Uint8Array[] = [];
  let prevHash = NO_HASH;
  for (let seq = 1; seq <= count; seq += 1) {
    const bytes = encodeEntry(
      change({
        ...{
          v: FORMAT_OF_MOST,
          minReader: FORMAT_OF_MOST,
          ...identity(),
          seq,
          at: '2024-01-01T00:00:00.000Z',
          prevHash,
        },
        events: [seq === 1 ? claimed() : committed(seq)],
      }),
    );
    chained.push(bytes);
    prevHash = hashEntry(bytes);
  }
  return chained;
}

/** The same bytes with one bit turned over, in the middle of the entry. */
export function flipBit(bytes: Uint8Array, at = Math.floor(bytes.byteLength / 2)): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}
