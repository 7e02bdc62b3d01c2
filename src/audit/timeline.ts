/**
 * The history of a partition as a timeline: each journaled event with the actors that it moved, from which
 * state to which, and why.
 */
import { PartitionLedger, type Stage } from '../../actors/ledger.ts';
import { partFileMachine } from '../../actors/partFile.ts';
import type { Entry } from '../../journal/entry.ts';
import {
  isJobEvent,
  type EventOf,
  type JournalEvent,
  type PartChange,
  type PartitionEvent,
} from '../../journal/events.ts';
import type { ClaimId, PartId, TopicPartition } from '../../journal/ids.ts';
import { checkpointChanges } from './checkpointChanges.ts';
import { changeText, factOf } from './eventText.ts';

/** A part file, as far as it is known when the event happens. */
export interface TimelinePart {
  readonly partId: PartId;
  readonly bucket: string;
  readonly finalUri: string;
  /** The name that it has until it is published, and those that it had before. */
  readonly temporaryUri: string;
  readonly formerUris: readonly string[];
}

/** One line of the timeline: what an event did to one actor. */
export interface TimelineStep {
  /** ISO time of the writer's clock. */
  readonly at: string;
  /** Null for the job itself. */
  readonly partition: TopicPartition | null;
  readonly seq: number;
  readonly epoch: number;
  readonly claimId: ClaimId;
  /** `host:pid` of the owner; null if its claim does not say. */
  readonly owner: string | null;
  readonly actor: 'job' | 'partition' | 'part';
  readonly part: TimelinePart | null;
  readonly event: JournalEvent['type'];
  /** States of a part file; null for other actors, whose journaled events have no state of their own. */
  readonly from: string | null;
  readonly to: string | null;
  /** What happened and why, in words. */
  readonly why: string;
  /** What a checkpoint holds of the part file; null for other events. */
  readonly change: PartChange | null;
}

/** Turns the entries of one subject into steps, in order. */
export class Timeline {
  readonly #partition: TopicPartition | null;
  /** States of part files before and after, in the order in which the ledger moves them. */
  readonly #moves: { readonly from: string; readonly to: string }[] = [];
  readonly #ledger = new PartitionLedger((machine, from, _event, to) => {
    if (machine === partFileMachine.id) this.#moves.push({ from, to });
  });
  /** Part files that are neither committed nor discarded, in the order in which they were opened. */
  readonly #parts = new Map<PartId, TimelinePart>();
  #owner: string | null = null;

  /** Null for the job's own subject. */
  constructor(partition: TopicPartition | null) {
    this.#partition = partition;
  }

  /** Throws PROTOCOL_UNEXPECTED_EVENT or JOURNAL_CORRUPT for an entry that cannot be folded. */
  next(entry: Entry): readonly TimelineStep[] {
    const stage = this.#ledger.stage();
    const steps = entry.events.flatMap((event) =>
      isJobEvent(event) ? [this.#step(entry, event, 'job')] : this.#partitionSteps(entry, event, stage),
    );
    this.#ledger.adopt(stage);
    return steps;
  }

  #partitionSteps(entry: Entry, event: PartitionEvent, stage: Stage): TimelineStep[] {
    if (event.type === 'epochClaimed') this.#owner = event.owner ?? null;
    const changes = changesOf(event, stage);
    const ids = movedParts(event, { changes, parts: this.#parts, damaged: stage.facts.damaged?.parts ?? [] });
    this.#moves.length = 0;
    stage.apply(event);
    if (event.type === 'partMoved') this.#moved(event);
    if (event.type === 'partOpened') {
      const { partId, bucket, finalUri, temporaryUri } = event;
      this.#parts.set(partId, { partId, bucket, finalUri, temporaryUri, formerUris: [] });
      return [{ ...this.#step(entry, event, 'part'), part: this.#parts.get(partId) ?? null, to: 'open' }];
    }
    const moves = this.#moves.slice(0, ids.length);
    const parts = moves.flatMap((move, index) => {
      const id = ids[index];
      const step = id === undefined ? null : this.#partStep(entry, event, id, move, changes[index] ?? null);
      return step === null ? [] : [step];
    });
    return isOfPart(event) ? parts : [this.#step(entry, event, 'partition'), ...parts];
  }

  #moved({ partId, toUri }: EventOf<'partMoved'>): void {
    const part = this.#parts.get(partId);
    if (part === undefined) return;
    const formerUris = [...part.formerUris, part.temporaryUri];
    this.#parts.set(partId, { ...part, temporaryUri: toUri, formerUris });
  }

  /** Null if a claim leaves the file as it is. */
  #partStep(
    entry: Entry,
    event: PartitionEvent,
    id: PartId,
    { from, to }: { readonly from: string; readonly to: string },
    change: PartChange | null,
  ): TimelineStep | null {
    const part = this.#parts.get(id) ?? null;
    if (to === 'committed' || to === 'discarded') this.#parts.delete(id);
    if (event.type === 'epochClaimed' && from === to) return null;
    const why =
      change !== null ? changeText(change) : event.type === 'epochClaimed' ? NOT_HELD : factOf(event);
    return { ...this.#step(entry, event, 'part'), part, from, to, why, change };
  }

  #step(entry: Entry, event: JournalEvent, actor: TimelineStep['actor']): TimelineStep {
    const { at, seq, epoch, claimId } = entry;
    return {
      ...{ at, partition: this.#partition, seq, epoch, claimId, owner: this.#owner, actor, part: null },
      ...{ event: event.type, from: null, to: null, why: factOf(event), change: null },
    };
  }
}

const NOT_HELD = 'a new owner claimed, and no checkpoint holds any of the file';

function changesOf(event: PartitionEvent, stage: Stage): readonly PartChange[] {
  if (event.type !== 'checkpointCompleted') return [];
  return checkpointChanges(event, stage.facts.pieces?.parts ?? []);
}

function isOfPart(event: PartitionEvent): boolean {
  return 'partId' in event;
}

/** Part files that the event moves, in the ledger's order. */
function movedParts(
  event: PartitionEvent,
  {
    changes,
    parts,
    damaged,
  }: {
    readonly changes: readonly PartChange[];
    readonly parts: ReadonlyMap<PartId, TimelinePart>;
    /** Of a repair, journaled before it. */
    readonly damaged: readonly PartId[];
  },
): readonly PartId[] {
  if (event.type === 'epochClaimed') return [...parts.keys()];
  if (event.type === 'partitionRewound')
    return event.damagedParts === 0 ? event.parts : [...damaged, ...event.parts];
  if ('partId' in event) return [event.partId];
  return changes.map(({ partId }) => partId);
}
