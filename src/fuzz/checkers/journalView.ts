/**
 * The journal as an outsider reads it: which part files it names, what its completed checkpoints say of them. On purpose not the
 * coordinator's own recovery: one that is wrong must not judge itself.
 */
import type { TracedEntry } from '../schedule.ts';

export interface PartView {
  readonly partId: string;
  readonly finalUri: string;
  readonly temporaryUri: string;
  /** What the last completed checkpoint said; null before any did. */
  readonly durable: DurableView | null;
  /** When a completed checkpoint closed it; null while none has. */
  readonly pendingAtMs: number | null;
  readonly ended: 'committed' | 'discarded' | null;
  readonly endedAtMs: number | null;
}

export interface DurableView {
  readonly lengthBytes: number;
  readonly records: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export interface CheckpointView {
  readonly number: number;
  readonly atMs: number;
  readonly nextOffset: number;
  /** Since the journal's begin. */
  readonly recordsRead: number;
  readonly recordsSkipped: number;
  /** Records of all part files as this and earlier checkpoints count them. */
  readonly recordsHeld: number;
}

export interface StopView {
  readonly code: string;
  readonly message: string;
  readonly files: readonly string[];
}

export interface PartitionView {
  readonly partition: number;
  readonly parts: ReadonlyMap<string, PartView>;
  readonly checkpoints: readonly CheckpointView[];
  readonly stops: readonly StopView[];
}

/** A journaled event as JSON; the fields are those of journal/events.ts. */
type RawEvent = { readonly type: string } & Readonly<Record<string, unknown>>;
interface RawChange {
  readonly partId: string;
  readonly state: 'inProgress' | 'pending';
  readonly length: number;
  readonly records: number;
  readonly firstOffset: string;
  readonly lastOffset: string;
}

/** Every checker asks for the journal of the same run. */
const readBefore = new WeakMap<readonly TracedEntry[], ReadonlyMap<number, PartitionView>>();

/** By partition number. The journal of a run that is over: it is read once. */
export function readJournal(entries: readonly TracedEntry[]): ReadonlyMap<number, PartitionView> {
  const read = readBefore.get(entries) ?? readEntries(entries);
  readBefore.set(entries, read);
  return read;
}

function readEntries(entries: readonly TracedEntry[]): ReadonlyMap<number, PartitionView> {
  const readers = new Map<number, PartitionReader>();
  for (const { text, atMs } of entries) {
    const entry = JSON.parse(text) as { partition?: number; events?: readonly RawEvent[] };
    const { partition = -1, events = [] } = entry;
    if (partition < 0) continue;
    const reader = readers.get(partition) ?? new PartitionReader(partition);
    readers.set(partition, reader);
    for (const event of events) reader.take(event, atMs);
  }
  return readers;
}

class PartitionReader implements PartitionView {
  readonly partition: number;
  readonly parts = new Map<string, PartView>();
  readonly checkpoints: CheckpointView[] = [];
  readonly stops: StopView[] = [];
  #pieces: readonly RawChange[] = [];
  #recordsRead = 0;
  #recordsSkipped = 0;

  constructor(partition: number) {
    this.partition = partition;
  }

  take(event: RawEvent, atMs: number): void {
    switch (event.type) {
      case 'epochClaimed':
        this.#pieces = [];
        break;
      case 'partOpened': {
        const { partId, finalUri, temporaryUri } = event as unknown as PartView;
        const nothing = { durable: null, pendingAtMs: null, ended: null, endedAtMs: null };
        this.parts.set(partId, { partId, finalUri, temporaryUri, ...nothing });
        break;
      }
      case 'checkpointPart':
        this.#pieces = event['index'] === 0 ? changesOf(event) : [...this.#pieces, ...changesOf(event)];
        break;
      case 'checkpointCompleted':
        this.#complete(event, atMs);
        break;
      case 'partCommitted':
      case 'partDiscarded':
        this.#update(String(event['partId']), {
          ended: event.type === 'partCommitted' ? 'committed' : 'discarded',
          endedAtMs: atMs,
        });
        break;
      case 'partitionStopped':
        this.stops.push(event as unknown as StopView);
        break;
      default:
    }
  }

  #complete(event: RawEvent, atMs: number): void {
    const pieces = event['checkpointParts'] === 0 ? [] : this.#pieces;
    this.#pieces = [];
    for (const change of [...pieces, ...changesOf(event)]) {
      const { length, records, firstOffset, lastOffset } = change;
      this.#update(change.partId, {
        durable: {
          lengthBytes: length,
          records,
          firstOffset: Number(firstOffset),
          lastOffset: Number(lastOffset),
        },
        pendingAtMs: change.state === 'pending' ? atMs : null,
      });
    }
    this.#recordsRead += Number(event['recordsRead']);
    this.#recordsSkipped += (event['recordsSkipped'] as { nullValue: number }).nullValue;
    this.checkpoints.push({
      number: Number(event['checkpoint']),
      atMs,
      nextOffset: Number(event['nextOffset']),
      recordsRead: this.#recordsRead,
      recordsSkipped: this.#recordsSkipped,
      recordsHeld: [...this.parts.values()].reduce((sum, { durable }) => sum + (durable?.records ?? 0), 0),
    });
  }

  #update(partId: string, change: Partial<PartView>): void {
    const part = this.parts.get(partId);
    if (part !== undefined) this.parts.set(partId, { ...part, ...change });
  }
}

function changesOf(event: RawEvent): readonly RawChange[] {
  return event['parts'] as readonly RawChange[];
}
