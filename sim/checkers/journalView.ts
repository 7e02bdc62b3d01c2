/**
 * The journal as an outsider reads it: which part files it names, and what its completed checkpoints say of
 * them. Deliberately independent of the coordinator's recovery: faulty code must not judge itself.
 */
import type { TracedEntry } from '../schedule.ts';
import { changesOf, divergenceOf, type RawChange, type RawEvent, type RawStop } from './rawEvents.ts';

export interface PartView {
  readonly partId: string;
  readonly finalUri: string;
  readonly temporaryUri: string;
  readonly bucket: string;
  readonly firstOffset: string;
  /** Of the owner that opened it. */
  readonly claimId: string;
  /** Of the log, as the journal numbers them. */
  readonly generation: number;
  /** Number of the repair in which it was opened; 0: in none. */
  readonly repair: number;
  /** What the last completed checkpoint said; null before the first. */
  readonly durable: DurableView | null;
  /** When a completed checkpoint closed it; null before that. */
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
  readonly epoch: number;
  readonly claimId: string;
  readonly nextOffset: number;
  /**
   * The previous next offset, and the offset up to which the log had been read. That is lower if an operator
   * gave up what was next.
   */
  readonly fromOffset: number;
  readonly readTo: number;
  /** Of the log: each accepted truncation begins a new one. */
  readonly generation: number;
  /** Repairs before it. */
  readonly repairs: number;
  /**
   * Whether it counts all records below its next offset, and no others. Not in the middle of a repair, whose
   * files hold records after it; nor after offsets were given up in one.
   */
  readonly isExact: boolean;
  /** Part files that it leaves in progress. */
  readonly inProgress: ReadonlySet<string>;
  /** Part files with more records than in the previous checkpoint. */
  readonly grown: readonly GrownPart[];
  /** Since the start of the journal. Those that a repair reads again count once. */
  readonly recordsRead: number;
  readonly recordsSkipped: number;
  /** Records of all part files, as this and earlier checkpoints count them. */
  readonly recordsHeld: number;
}

export interface GrownPart {
  readonly partId: string;
  /** Whether the checkpoint leaves it in progress. */
  readonly isOpen: boolean;
  readonly lengthBytes: number;
  readonly records: number;
}

/** Offsets that are not to be read: an operator gave them up, or they are before the job's start. */
export interface LossView {
  readonly atMs: number;
  readonly fromOffset: number;
  readonly toOffset: number;
  /** The previous next offset. */
  readonly nextOffset: number;
}

/** What an owner journaled about an operator's request. */
export interface AnswerView {
  readonly type: string;
  readonly atMs: number;
  readonly epoch: number;
  /** Part files that were in progress then. */
  readonly inProgress: readonly string[];
}

/** What an owner journaled about an operator's answer for a journal that went back. */
export interface JournalAnswerView {
  readonly atMs: number;
  readonly requestId: number;
  readonly isLoss: boolean;
}

export interface StopView {
  readonly atMs: number;
  readonly code: string;
  readonly message: string;
  readonly files: readonly string[];
  /** The next offset at that time. */
  readonly nextOffset: number;
  /** The highest next offset, if a repair reads what is below it again; else the same. */
  readonly countedTo: number;
  /** Where the offsets begin that it says are lost or in doubt; null if the cause is not a range. */
  readonly fromOffset: number | null;
  /** The offset to which it says the log went back; null if it does not say so. */
  readonly divergedAt: number | null;
  /**
   * The start of the given-up range that ends at the next offset of that time; null if the record before that
   * offset was read.
   */
  readonly givenUpFrom: number | null;
}

export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  readonly parts: ReadonlyMap<string, PartView>;
  readonly checkpoints: readonly CheckpointView[];
  readonly stops: readonly StopView[];
  readonly losses: readonly LossView[];
  readonly answers: readonly AnswerView[];
  /** When operators answered for a journal that went back. */
  readonly journalAnswers: readonly JournalAnswerView[];
  /** When it was called retired although checkpointed part files were not published. */
  readonly retiredOwing: readonly { readonly atMs: number; readonly files: readonly string[] }[];
  /** When each epoch was claimed. */
  readonly claimsAtMs: readonly number[];
  /** In a repair, the offset from which records are still to be read again; else null. */
  readonly readAgainFrom: number | null;
  readonly repairs: number;
  /** Events journaled while the partition waited for an operator's decision; nothing may continue then. */
  readonly behindStop: readonly { readonly atMs: number; readonly type: string }[];
}

/** None of these may follow a stop before an operator has decided. */
const GOES_ON: readonly string[] = ['partOpened', 'partMoved', 'checkpointCompleted', 'partitionStopped'];

/** All checkers ask for the journal of the same run. */
const readBefore = new WeakMap<readonly TracedEntry[], ReadonlyMap<number, PartitionView>>();

/** By partition number. Reads the journal of a finished run once. */
export function readJournal(entries: readonly TracedEntry[]): ReadonlyMap<number, PartitionView> {
  const read = readBefore.get(entries) ?? readEntries(entries);
  readBefore.set(entries, read);
  return read;
}

function readEntries(entries: readonly TracedEntry[]): ReadonlyMap<number, PartitionView> {
  const readers = new Map<number, PartitionReader>();
  for (const { subject, text, atMs } of entries) {
    // Requests of operators are not events of owners, and need not be readable.
    if (subject.includes('.request.')) continue;
    const entry = JSON.parse(text) as { topic?: string; partition?: number; events?: readonly RawEvent[] };
    const { topic = '', partition = -1, events = [] } = entry;
    if (partition < 0) continue;
    const reader = readers.get(partition) ?? new PartitionReader(topic, partition);
    readers.set(partition, reader);
    for (const event of events) reader.take(event, atMs);
  }
  return readers;
}

class PartitionReader implements PartitionView {
  readonly topic: string;
  readonly partition: number;
  readonly parts = new Map<string, PartView>();
  readonly checkpoints: CheckpointView[] = [];
  readonly stops: StopView[] = [];
  readonly losses: LossView[] = [];
  readonly answers: AnswerView[] = [];
  readonly journalAnswers: JournalAnswerView[] = [];
  readonly retiredOwing: { atMs: number; files: readonly string[] }[] = [];
  readonly claimsAtMs: number[] = [];
  readonly behindStop: { atMs: number; type: string }[] = [];
  #epoch = 0;
  #claimId = '';
  #nextOffset = 0;
  #readTo = 0;
  #generation = 1;
  #isStopped = false;
  #pieces: readonly RawChange[] = [];
  #recordsRead = 0;
  #recordsSkipped = 0;
  repairs = 0;
  /** In a repair, the offset up to which records are read again. */
  #untilOffset: number | null = null;
  #isExact = true;
  #damaged: readonly string[] = [];

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  take(event: RawEvent, atMs: number): void {
    if (this.#isStopped && GOES_ON.includes(event.type)) this.behindStop.push({ atMs, type: event.type });
    switch (event.type) {
      case 'epochClaimed':
        this.#pieces = [];
        this.#claim(event, atMs);
        break;
      case 'lossAccepted':
        this.#isStopped = false;
        this.#lose(atMs, Number(event['fromOffset']), Number(event['toOffset']));
        break;
      case 'logTruncationAccepted':
        this.#isStopped = false;
        this.#goBack(Number(event['divergedAt']));
        break;
      case 'partitionRetired':
        // Checkpointed data is published even for a stopped partition.
        this.#isStopped = false;
        this.behindStop.splice(0);
        this.#retire(atMs);
        break;
      case 'witnessAnswered':
        this.#isStopped = false;
        this.#answer(event, atMs);
        break;
      case 'resumeRequested':
      case 'rollRequested':
      case 'requestRefused':
        if (event.type === 'resumeRequested') this.#isStopped = false;
        this.answers.push({ type: event.type, atMs, epoch: this.#epoch, inProgress: this.#inProgress() });
        break;
      case 'partOpened':
        this.#open(event as unknown as PartView);
        break;
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
        this.#isStopped = true;
        this.#stop(event, atMs);
        break;
      default:
        this.#takeRepair(event);
    }
  }

  #takeRepair(event: RawEvent): void {
    if (event.type === 'partsDamaged')
      this.#damaged = [...(event['index'] === 0 ? [] : this.#damaged), ...(event['parts'] as string[])];
    if (event.type !== 'partitionRewound') return;
    this.#isStopped = false;
    this.#rewind(event);
  }

  /** Offsets before the start of the first claim were never to be read. */
  #claim(event: RawEvent, atMs: number): void {
    this.#epoch = Number(event['epoch']);
    this.#claimId = String(event['claimId']);
    if (this.claimsAtMs.length === 0) {
      this.#lose(atMs, 0, Number(event['startOffset']));
      this.#readTo = this.#nextOffset;
    }
    this.claimsAtMs.push(atMs);
  }

  #open({ partId, finalUri, temporaryUri, bucket, firstOffset }: PartView): void {
    const nothing = { durable: null, pendingAtMs: null, ended: null, endedAtMs: null };
    const names = { partId, finalUri, temporaryUri, bucket, firstOffset };
    const repair = this.#untilOffset === null ? 0 : this.repairs;
    const of = { generation: this.#generation, repair, claimId: this.#claimId };
    this.parts.set(partId, { ...names, ...of, ...nothing });
  }

  get readAgainFrom(): number | null {
    return this.#untilOffset === null ? null : this.#nextOffset;
  }

  /** What the lost files held is counted when it is read again. */
  #rewind(event: RawEvent): void {
    const lost = [...(event['damagedParts'] === 0 ? [] : this.#damaged), ...(event['parts'] as string[])];
    for (const partId of lost) {
      this.#recordsRead -= this.parts.get(partId)?.durable?.records ?? 0;
      this.#update(partId, { durable: null, pendingAtMs: null });
    }
    this.repairs += 1;
    this.#untilOffset ??= this.#nextOffset;
    this.#nextOffset = Number(event['nextOffset']);
    this.#readTo = this.#nextOffset;
  }

  #lose(atMs: number, fromOffset: number, toOffset: number): void {
    if (this.#untilOffset !== null) this.#isExact = false;
    if (toOffset > 0) this.losses.push({ atMs, fromOffset, toOffset, nextOffset: this.#nextOffset });
    this.#nextOffset = toOffset;
  }

  #stop(event: RawEvent, atMs: number): void {
    const { code, message, files, fromOffset: from } = event as unknown as RawStop;
    const nextOffset = this.#nextOffset;
    const fromOffset = from === null ? null : Number(from);
    const givenUpFrom = this.losses.find(({ toOffset }) => toOffset === nextOffset)?.fromOffset ?? null;
    const divergedAt = divergenceOf(event);
    const countedTo = this.#untilOffset ?? nextOffset;
    this.stops.push({
      ...{ code, message, files, fromOffset, atMs, nextOffset, countedTo, divergedAt, givenUpFrom },
    });
  }

  /** A new generation: offsets given up from there on are read. */
  #goBack(divergedAt: number): void {
    const losses = this.losses.map((loss) => ({ ...loss, toOffset: Math.min(loss.toOffset, divergedAt) }));
    this.losses.splice(0, losses.length, ...losses);
    this.#nextOffset = Math.min(this.#nextOffset, divergedAt);
    if (this.#untilOffset !== null) this.#untilOffset = Math.min(this.#untilOffset, divergedAt);
    this.#readTo = this.#nextOffset;
    this.#generation += 1;
  }

  #answer({ loss, requestId }: RawEvent, atMs: number): void {
    this.journalAnswers.push({ atMs, requestId: Number(requestId), isLoss: loss !== null });
    if (loss === null) return;
    const { fromOffset, toOffset } = loss as { fromOffset: string; toOffset: string };
    this.#lose(atMs, Number(fromOffset), Number(toOffset));
  }

  #retire(atMs: number): void {
    const owed = [...this.parts.values()].filter(({ durable, ended }) => durable !== null && ended === null);
    if (owed.length > 0) this.retiredOwing.push({ atMs, files: owed.map(({ finalUri }) => finalUri) });
  }

  #inProgress(): string[] {
    return [...this.parts.values()].flatMap(({ partId, durable, pendingAtMs, ended }) =>
      durable !== null && pendingAtMs === null && ended === null ? [partId] : [],
    );
  }

  #complete(event: RawEvent, atMs: number): void {
    const pieces = event['checkpointParts'] === 0 ? [] : this.#pieces;
    this.#pieces = [];
    const grown: GrownPart[] = [];
    for (const change of [...pieces, ...changesOf(event)]) {
      const { partId, length, records, firstOffset, lastOffset } = change;
      const before = this.parts.get(partId)?.durable?.records ?? 0;
      const isOpen = change.state === 'inProgress';
      if (records > before) grown.push({ partId, isOpen, lengthBytes: length, records });
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
    const before = { fromOffset: this.#nextOffset, readTo: this.#readTo, generation: this.#generation };
    this.#nextOffset = Number(event['nextOffset']);
    this.#readTo = this.#nextOffset;
    if (this.#untilOffset !== null && this.#nextOffset >= this.#untilOffset) this.#untilOffset = null;
    this.#recordsRead += Number(event['recordsRead']) - Number(event['recordsAlreadyHeld'] ?? 0);
    const { nullValue, bad = 0 } = event['recordsSkipped'] as { nullValue: number; bad?: number };
    this.#recordsSkipped += nullValue + bad;
    this.checkpoints.push({
      number: Number(event['checkpoint']),
      atMs,
      epoch: this.#epoch,
      claimId: this.#claimId,
      nextOffset: this.#nextOffset,
      ...before,
      ...{ repairs: this.repairs, isExact: this.#isExact && this.#untilOffset === null },
      grown,
      inProgress: new Set(this.#inProgress()),
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
