/**
 * The partition machine: replaying -> claiming -> settling -> running <-> checkpointing; retiring -> retired;
 * stopped.
 *
 * Each epoch has a machine of its own. The end of an epoch is not a state: its machine gets no more events,
 * and the next claim begins with a replay.
 *
 * A state accepts the journaled events that can be written in it; `replaying` accepts all of them. Host
 * events (replayed, settled, checkpointStarted ...) are not journaled: they only record the progress of this
 * process.
 */
import { assign, setup } from 'xstate';
import type { EpochStart, EventOf, PartChange, PartitionEvent, WitnessedEntry } from '../journal/events.ts';
import type { ClaimId } from '../journal/ids.ts';
import type { StopFacts } from './facts.ts';
import { epochsBelow, epochsRead, UNKNOWN_EPOCHS } from './readEpochs.ts';
import {
  collectDamaged,
  repairAt,
  repairBelow,
  rewound,
  type DamagedPieces,
  type MissingRange,
  type RepairFacts,
} from './repair.ts';
import { UNEXPECTED } from './step.ts';

export interface PartitionContext {
  /** 0 before the first claim. */
  readonly epoch: number;
  readonly claimId: ClaimId | null;
  /** The claim that this process is about to journal, or has journaled. */
  readonly ownClaimId: ClaimId | null;
  /** The next offset to read; null before the first claim. */
  readonly nextOffset: bigint | null;
  /** Number of the last completed checkpoint. */
  readonly checkpoint: number;
  readonly recordsRead: number;
  readonly recordsSkippedNull: number;
  /** Bad records that are in no file. */
  readonly recordsSkippedBad: number;
  /** All bad records, by reason. */
  readonly recordsBad: readonly BadCount[];
  /** Records that repairs have read again, and that earlier checkpoints had counted. */
  readonly recordsAlreadyHeld: number;
  readonly stop: StopFacts | null;
  /**
   * Kafka's leader epoch of the last batch below nextOffset. Null if unknown, as after every jump of
   * nextOffset.
   */
  readonly leaderEpoch: number | null;
  /** First offset read in that leader epoch. A log that does not know the epoch diverges here. */
  readonly leaderEpochStart: bigint | null;
  /**
   * Earlier leader epochs that were read, oldest first, without a gap. They locate the divergence of a log
   * that lacks several epochs.
   */
  readonly earlierLeaderEpochs: readonly EpochStart[];
  /** Generation of the source's log: 1, plus 1 for each accepted truncation. */
  readonly generation: number;
  /** The source no longer names the partition, and all its data is published. Holds until the next claim. */
  readonly retired: boolean;
  /** Witnesses that an operator has answered; they are not judged again. */
  readonly answered: readonly WitnessedEntry[];
  /** Id of the last operator request that was taken up. */
  readonly lastRequestId: number;
  /** The last request, if it was refused. */
  readonly refusal: { readonly requestId: number; readonly reason: string } | null;
  /** Journaled pieces of a checkpoint that is not completed. */
  readonly pieces: {
    readonly checkpoint: number;
    readonly count: number;
    readonly parts: readonly PartChange[];
  } | null;
  /** Number of repairs; names of files that are opened in one contain it. */
  readonly repairs: number;
  /** The repair that is under way. */
  readonly repair: RepairFacts | null;
  readonly damaged: DamagedPieces | null;
}

/** How many records are bad for a reason (src/formats/format.ts). */
export type BadCount = NonNullable<EventOf<'checkpointCompleted'>['recordsBad']>[number];

/** What only this process knows; never journaled. */
export type PartitionHostEvent =
  | { readonly type: 'replayed'; readonly ownClaimId: ClaimId }
  | { readonly type: 'settled' }
  /** The source no longer names the partition: it is taken over, even if it is stopped, but not read. */
  | { readonly type: 'retiring' }
  | { readonly type: 'checkpointStarted' }
  | { readonly type: 'checkpointFailed' }
  /** Another claim was first: it is replayed, too, and then this process claims again. */
  | { readonly type: 'fenced' }
  /** Stopped for a cause that cannot be journaled, because the journal itself is in doubt. */
  | { readonly type: 'halted'; readonly stop: StopFacts };

/** With what the ledger knows of the files that are lost. */
export type RewoundEvent = EventOf<'partitionRewound'> & { readonly lost: readonly MissingRange[] };

export type PartitionMachineEvent =
  Exclude<PartitionEvent, EventOf<'partitionRewound'>> | RewoundEvent | PartitionHostEvent;

const takeRequest = (event: {
  readonly requestId: number;
}): Pick<PartitionContext, 'lastRequestId' | 'refusal'> => ({
  lastRequestId: event.requestId,
  refusal: null,
});

function addBad(before: readonly BadCount[], added: readonly BadCount[]): readonly BadCount[] {
  if (added.length === 0) return before;
  const counts = new Map(before.map(({ reason, records }) => [reason, records]));
  for (const { reason, records } of added) counts.set(reason, (counts.get(reason) ?? 0) + records);
  return [...counts].map(([reason, records]) => ({ reason, records }));
}

/**
 * Collects a checkpoint's pieces in order. The first piece of another checkpoint voids the collected ones.
 */
function collectPiece(
  pieces: PartitionContext['pieces'],
  event: EventOf<'checkpointPart'>,
): PartitionContext['pieces'] {
  if (pieces?.checkpoint === event.checkpoint && pieces.count === event.index) {
    return { checkpoint: event.checkpoint, count: event.index + 1, parts: [...pieces.parts, ...event.parts] };
  }
  return event.index === 0 ? { checkpoint: event.checkpoint, count: 1, parts: event.parts } : null;
}

/** nextOffset jumps: nothing is known of the log below it. */
function jumped(
  { repair }: PartitionContext,
  nextOffset: bigint,
): Partial<PartitionContext> & { readonly nextOffset: bigint } {
  return { nextOffset, ...UNKNOWN_EPOCHS, repair: repairAt(repair, nextOffset) };
}

/** In a repair, the log may be replaced above nextOffset: what is below it is still to be read again. */
function truncated(
  context: PartitionContext,
  event: EventOf<'logTruncationAccepted'>,
): Partial<PartitionContext> {
  const { divergedAt } = event;
  const { nextOffset, repair, generation } = context;
  const below = repairBelow(repair, event);
  if (repair !== null && nextOffset !== null && nextOffset < divergedAt)
    return { repair: below, generation: generation + 1 };
  return {
    ...{ nextOffset: divergedAt, ...epochsBelow(context, event) },
    ...{ repair: repairAt(below, divergedAt), generation: generation + 1 },
  };
}

/** What a journaled event changes in the partition, in any state. */
function recordFact(context: PartitionContext, event: PartitionMachineEvent): Partial<PartitionContext> {
  switch (event.type) {
    case 'epochClaimed':
      return {
        epoch: event.epoch,
        claimId: event.claimId,
        nextOffset: context.nextOffset ?? event.startOffset,
        retired: false,
        pieces: null,
      };
    case 'checkpointPart':
      return { pieces: collectPiece(context.pieces, event) };
    case 'checkpointCompleted':
      return {
        checkpoint: event.checkpoint,
        nextOffset: event.nextOffset,
        ...epochsRead(context, event),
        recordsRead: context.recordsRead + event.recordsRead,
        recordsSkippedNull: context.recordsSkippedNull + event.recordsSkipped.nullValue,
        recordsSkippedBad: context.recordsSkippedBad + (event.recordsSkipped.bad ?? 0),
        recordsBad: addBad(context.recordsBad, event.recordsBad ?? []),
        recordsAlreadyHeld: context.recordsAlreadyHeld + (event.recordsAlreadyHeld ?? 0),
        repair: repairAt(context.repair, event.nextOffset),
        pieces: null,
      };
    case 'partitionStopped': {
      const { type: _, ...stop } = event;
      return { stop };
    }
    case 'partitionRetired':
      // All checkpointed data is published, so the reason for the stop no longer matters.
      return { retired: true, stop: null };
    case 'resumeRequested':
      return { stop: null, ...takeRequest(event) };
    case 'lossAccepted':
      return { stop: null, ...jumped(context, event.toOffset), ...takeRequest(event) };
    case 'logTruncationAccepted':
      return { stop: null, ...truncated(context, event), ...takeRequest(event) };
    case 'partsDamaged':
      return { damaged: collectDamaged(context.damaged, event) };
    case 'partitionRewound':
      return {
        ...{ stop: null, nextOffset: event.nextOffset, ...UNKNOWN_EPOCHS, ...takeRequest(event) },
        ...{ repair: rewound(context, event, event.lost), repairs: context.repairs + 1, damaged: null },
      };
    case 'witnessAnswered':
      return {
        ...{ stop: null, answered: event.witnesses, ...takeRequest(event) },
        ...(event.loss === null ? {} : jumped(context, event.loss.toOffset)),
      };
    case 'rollRequested':
      return takeRequest(event);
    case 'requestRefused':
      return { ...takeRequest(event), refusal: { requestId: event.requestId, reason: event.reason } };
    case 'halted':
      return { stop: event.stop };
    default:
      return {};
  }
}

const record = { actions: 'recordFact' } as const;
const stopping = {
  halted: { target: 'stopped', actions: 'recordFact' },
  partitionStopped: { target: 'stopped', actions: 'recordFact' },
} as const;
const requests = { rollRequested: record, requestRefused: record } as const;
/** Everything that an earlier or another owner may have journaled. */
const history = {
  partOpened: {},
  partStarted: {},
  partMoved: {},
  checkpointPart: record,
  checkpointCompleted: record,
  partCommitted: {},
  partDiscarded: {},
  partitionStopped: record,
  ...requests,
  partitionRetired: record,
  resumeRequested: record,
  lossAccepted: record,
  logTruncationAccepted: record,
  witnessAnswered: record,
  partsDamaged: record,
  partitionRewound: record,
} as const;

export const partitionMachine = setup({
  types: { context: {} as PartitionContext, events: {} as PartitionMachineEvent },
  guards: {
    ownClaim: ({ context, event }) => event.type === 'epochClaimed' && event.claimId === context.ownClaimId,
    ownClaimOfStopped: ({ context, event }) =>
      event.type === 'epochClaimed' && event.claimId === context.ownClaimId && context.stop !== null,
  },
  actions: {
    [UNEXPECTED]: () => undefined,
    recordFact: assign(({ context, event }) => recordFact(context, event)),
    recordOwnClaim: assign(({ event }) =>
      event.type === 'replayed' ? { ownClaimId: event.ownClaimId } : {},
    ),
  },
}).createMachine({
  id: 'partition',
  context: {
    epoch: 0,
    claimId: null,
    ownClaimId: null,
    nextOffset: null,
    checkpoint: 0,
    recordsRead: 0,
    recordsSkippedNull: 0,
    recordsSkippedBad: 0,
    recordsBad: [],
    recordsAlreadyHeld: 0,
    stop: null,
    ...UNKNOWN_EPOCHS,
    generation: 1,
    retired: false,
    answered: [],
    lastRequestId: 0,
    refusal: null,
    pieces: null,
    repairs: 0,
    repair: null,
    damaged: null,
  },
  initial: 'replaying',
  on: { '*': { actions: UNEXPECTED } },
  states: {
    replaying: {
      description: 'Folds the journal of the partition; runs no effect.',
      on: {
        ...history,
        epochClaimed: record,
        replayed: { target: 'claiming', actions: 'recordOwnClaim' },
      },
    },
    claiming: {
      description: 'Appends its claim at the expected sequence.',
      on: {
        epochClaimed: [
          { guard: 'ownClaimOfStopped', target: 'stopped', actions: 'recordFact' },
          { guard: 'ownClaim', target: 'settling', actions: 'recordFact' },
        ],
        fenced: 'replaying',
      },
    },
    settling: {
      description: 'Commits what is pending, takes over what was in progress, discards the rest.',
      on: {
        partMoved: {},
        checkpointPart: record,
        checkpointCompleted: record,
        partCommitted: {},
        partDiscarded: {},
        // An operator ended a halt: the journal was judged again, and the answer can now be journaled.
        resumeRequested: record,
        settled: 'running',
        retiring: 'retiring',
        ...stopping,
      },
    },
    retiring: {
      description: 'The source names it no more: settles, and closes what would go on.',
      on: {
        partMoved: {},
        checkpointPart: record,
        checkpointCompleted: record,
        partCommitted: {},
        partDiscarded: {},
        partitionRetired: { target: 'retired', actions: 'recordFact' },
        ...stopping,
      },
    },
    running: {
      description: 'Reads records into part files.',
      on: {
        partOpened: {},
        partStarted: {},
        partCommitted: {},
        partDiscarded: {},
        ...requests,
        checkpointStarted: 'checkpointing',
        ...stopping,
      },
    },
    checkpointing: {
      description: 'Persists a cut while records flow on.',
      on: {
        partOpened: {},
        partStarted: {},
        partCommitted: {},
        partDiscarded: {},
        checkpointPart: record,
        ...requests,
        checkpointCompleted: { target: 'running', actions: 'recordFact' },
        checkpointFailed: 'running',
        ...stopping,
      },
    },
    retired: {
      type: 'final',
      description:
        'The source names it no more; all that it owed is published. Claimed again where it is named again.',
    },
    stopped: {
      description: 'Cannot keep the promise (P6); waits for an operator.',
      on: {
        requestRefused: record,
        // What an answer does to more files than fit into its entry is journaled before it.
        partMoved: {},
        checkpointPart: record,
        partsDamaged: record,
        resumeRequested: { target: 'replaying', actions: 'recordFact' },
        lossAccepted: { target: 'replaying', actions: 'recordFact' },
        logTruncationAccepted: { target: 'replaying', actions: 'recordFact' },
        witnessAnswered: { target: 'replaying', actions: 'recordFact' },
        partitionRewound: { target: 'replaying', actions: 'recordFact' },
        retiring: 'retiring',
        // The journal may become doubtful while its partition is stopped. That overrides the current stop.
        halted: record,
      },
    },
  },
});
