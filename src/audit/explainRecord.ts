/** Where a record went: the files that can hold an offset, or why none does. */
import type { EventOf, PartChange, PartitionEvent } from '../../journal/events.ts';
import type { JobName, PartId, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { ChainCheck } from '../../journal/replay.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partitionEvents } from '../partition/replayPartition.ts';
import { checkpointChanges } from './checkpointChanges.ts';

/** A file whose records of this checkpoint can include the offset. */
export interface Candidate {
  readonly partId: PartId;
  readonly bucket: string;
  readonly finalUri: string;
  /** Offsets and number of its records that this checkpoint added. */
  readonly fromOffset: bigint;
  readonly toOffset: bigint;
  readonly records: number;
}

/**
 * What became of an offset. An offset is read once in each generation of the source's log, and again for
 * repairs.
 * - `read`: the checkpoint at `seq` passed it. Each candidate can hold it; none needs to if the checkpoint
 *   skipped records, or if there are offsets without a record among those that it passed.
 * - `lost`: an operator gave it up.
 * - `not-read`: nextOffset has not passed it yet. `before-start`: reading began behind it.
 */
export type Outcome =
  | {
      readonly type: 'read';
      readonly generation: number;
      readonly seq: number;
      readonly at: string;
      readonly checkpoint: number;
      readonly candidates: readonly Candidate[];
      readonly recordsSkipped: number;
      /** Read again for a repair, and in files already, or skipped. */
      readonly recordsAlreadyHeld: number;
      readonly holes: bigint;
      /** The one candidate holds every offset that the checkpoint passed, so it holds this one. */
      readonly isCertain: boolean;
      /** An operator accepted later that the log went back before this offset. */
      readonly isReplaced: boolean;
      /** A file that could hold it was damaged, and given up: what it held was read again. */
      readonly isRepaired: boolean;
    }
  | { readonly type: 'lost'; readonly generation: number; readonly seq: number; readonly at: string }
  | { readonly type: 'not-read'; readonly nextOffset: bigint | null }
  | { readonly type: 'before-start'; readonly startOffset: bigint };

export interface RecordLife {
  readonly partition: TopicPartition;
  readonly offset: bigint;
  /** At least one, in the order of the journal. */
  readonly outcomes: readonly Outcome[];
}

/** Rejects with REQUEST_REFUSED if the journal does not know the partition, and as `replay` does. */
export async function explainRecord(
  journal: Journal,
  job: JobName,
  partition: TopicPartition,
  offset: bigint,
): Promise<RecordLife> {
  const search = new OffsetSearch(offset);
  const subject = partitionSubject(job, partition);
  const chain = new ChainCheck(subject);
  for await (const batch of journal.read(subject, 0)) {
    for (const stored of batch) {
      const { entry } = chain.next(stored);
      for (const event of partitionEvents(entry.events, subject)) search.see(event, entry);
    }
  }
  if (chain.tail.seq === 0) {
    throw new TidemarkError(
      'REQUEST_REFUSED',
      `The journal of job "${job}" does not know partition ${partition.topic}/${partition.partition}.`,
    );
  }
  return { partition, offset, outcomes: search.outcomes() };
}

interface Place {
  readonly seq: number;
  readonly at: string;
}

class OffsetSearch {
  readonly #offset: bigint;
  readonly #found: Outcome[] = [];
  readonly #parts = new Map<PartId, { readonly opened: EventOf<'partOpened'>; last: PartChange | null }>();
  #next: bigint | null = null;
  #generation = 1;
  #pieces: PartChange[] = [];
  #damaged: PartId[] = [];

  constructor(offset: bigint) {
    this.#offset = offset;
  }

  see(event: PartitionEvent, place: Place): void {
    switch (event.type) {
      case 'epochClaimed':
        this.#claimed(event.startOffset);
        return;
      case 'partOpened':
        this.#parts.set(event.partId, { opened: event, last: null });
        return;
      case 'partCommitted':
      case 'partDiscarded':
        this.#parts.delete(event.partId);
        return;
      case 'checkpointPart':
        if (event.index === 0) this.#pieces = [];
        this.#pieces.push(...event.parts);
        return;
      case 'checkpointCompleted':
        this.#checkpointed(event, place);
        return;
      case 'lossAccepted':
        this.#jumped(event.toOffset, place);
        return;
      case 'witnessAnswered':
        if (event.loss !== null) this.#jumped(event.loss.toOffset, place);
        return;
      case 'logTruncationAccepted':
        this.#wentBack(event.divergedAt);
        return;
      case 'partsDamaged':
        if (event.index === 0) this.#damaged = [];
        this.#damaged.push(...event.parts);
        return;
      case 'partitionRewound':
        this.#rewound(event);
        return;
      default:
        return;
    }
  }

  outcomes(): readonly Outcome[] {
    const isAhead = this.#next === null || this.#next <= this.#offset;
    return isAhead ? [...this.#found, { type: 'not-read', nextOffset: this.#next }] : this.#found;
  }

  #claimed(startOffset: bigint): void {
    this.#pieces = [];
    if (this.#next !== null) return;
    this.#next = startOffset;
    if (this.#offset < startOffset) this.#found.push({ type: 'before-start', startOffset });
  }

  #passes(to: bigint): boolean {
    return this.#next !== null && this.#next <= this.#offset && this.#offset < to;
  }

  #jumped(to: bigint, { seq, at }: Place): void {
    if (this.#passes(to)) this.#found.push({ type: 'lost', generation: this.#generation, seq, at });
    this.#next = to;
  }

  /** What was read from there on stays in its files, and is read again in the new log. */
  #wentBack(to: bigint): void {
    this.#generation += 1;
    this.#next = to;
    if (this.#offset < to) return;
    for (const [index, outcome] of this.#found.entries())
      if (outcome.type === 'read') this.#found[index] = { ...outcome, isReplaced: true };
  }

  /** Files that are given up hold nothing. What was in them is read again. */
  #rewound({ nextOffset, parts, damagedParts }: EventOf<'partitionRewound'>): void {
    const lost = new Set([...(damagedParts === 0 ? [] : this.#damaged), ...parts]);
    this.#next = nextOffset;
    for (const [index, outcome] of this.#found.entries()) {
      if (outcome.type !== 'read') continue;
      const candidates = outcome.candidates.filter(({ partId }) => !lost.has(partId));
      if (candidates.length === outcome.candidates.length) continue;
      this.#found[index] = { ...outcome, candidates, isCertain: false, isRepaired: true };
    }
  }

  #checkpointed(event: EventOf<'checkpointCompleted'>, { seq, at }: Place): void {
    const changes = checkpointChanges(event, this.#pieces);
    const from = this.#next ?? 0n;
    const isPassed = this.#passes(event.nextOffset);
    const candidates: Candidate[] = [];
    for (const change of changes) {
      const part = this.#parts.get(change.partId);
      if (part === undefined) continue;
      const candidate = isPassed ? this.#candidateOf(part.opened, part.last, change, from) : null;
      if (candidate !== null) candidates.push(candidate);
      part.last = change;
    }
    this.#pieces = [];
    this.#next = event.nextOffset;
    if (!isPassed) return;
    const recordsSkipped = event.recordsSkipped.nullValue + (event.recordsSkipped.bad ?? 0);
    const holes = event.nextOffset - from - BigInt(event.recordsRead);
    const recordsAlreadyHeld = event.recordsAlreadyHeld ?? 0;
    const isAll = recordsSkipped === 0 && recordsAlreadyHeld === 0 && holes === 0n;
    const isCertain = candidates.length === 1 && isAll;
    this.#found.push({
      ...{ type: 'read', generation: this.#generation, seq, at, checkpoint: event.checkpoint },
      ...{ candidates, recordsSkipped, recordsAlreadyHeld, holes, isCertain },
      ...{ isReplaced: false, isRepaired: false },
    });
  }

  #candidateOf(
    { partId, bucket, finalUri }: EventOf<'partOpened'>,
    last: PartChange | null,
    change: PartChange,
    from: bigint,
  ): Candidate | null {
    const records = change.records - (last?.records ?? 0);
    const begun = last === null || last.records === 0 ? change.firstOffset : last.lastOffset + 1n;
    const fromOffset = begun > from ? begun : from;
    const toOffset = change.lastOffset;
    if (records <= 0 || this.#offset < fromOffset || this.#offset > toOffset) return null;
    return { partId, bucket, finalUri, fromOffset, toOffset, records };
  }
}
