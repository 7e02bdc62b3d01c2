/**
 * The partition machine: replaying -> claiming -> settling -> running <-> checkpointing; retiring -> retired; fenced and stopped.
 *
 * Journaled events reach it in every state that they can be written in, and in `replaying` all of them do. Events of the host
 * (replayed, settled, checkpointStarted ...) are not journaled: they only say where this process stands.
 */
import { assign, setup } from 'xstate';
import type { EpochStart, EventOf, PartChange, PartitionEvent, WitnessedEntry } from '../journal/events.ts';
import type { ClaimId } from '../journal/ids.ts';
import type { StopFacts } from './facts.ts';
import { UNEXPECTED } from './step.ts';

export interface PartitionContext {
  /** 0 before the first claim. */
  readonly epoch: number;
  readonly claimId: ClaimId | null;
  /** The claim that this process is about to journal, or has. */
  readonly ownClaimId: ClaimId | null;
  /** The next offset to read; null before the first claim. */
  readonly nextOffset: bigint | null;
  /** Number of the last completed checkpoint. */
  readonly checkpoint: number;
  readonly recordsRead: number;
  readonly recordsSkippedNull: number;
  readonly stop: StopFacts | null;
  /** Kafka's leader epoch of the last batch below nextOffset; null where it is not known, as after every jump of nextOffset. */
  readonly leaderEpoch: number | null;
  /** The first offset that was read of that leader epoch: where a log that does not know the epoch differs from the one that was read. */
  readonly leaderEpochStart: bigint | null;
  /** The leader epochs that were read before that one, oldest first, without a gap: by them it is found where a log differs that lacks several. */
  readonly earlierLeaderEpochs: readonly EpochStart[];
  /** Generation of the source's log: 1, and one more with each accepted truncation. */
  readonly generation: number;
  /** The source names it no more, and all that it owed is published; until the next claim. */
  readonly retired: boolean;
  /** Witnesses that an operator has answered: they are not judged again. */
  readonly answered: readonly WitnessedEntry[];
  /** Id of the last operator request that was taken up. */
  readonly lastRequestId: number;
  /** The last request, where it was refused. */
  readonly refusal: { readonly requestId: number; readonly reason: string } | null;
  /** Journaled pieces of a checkpoint that is not completed. */
  readonly pieces: {
    readonly checkpoint: number;
    readonly count: number;
    readonly parts: readonly PartChange[];
  } | null;
}

/** What only this process knows; never journaled. */
export type PartitionHostEvent =
  | { readonly type: 'replayed'; readonly ownClaimId: ClaimId }
  | { readonly type: 'settled' }
  /** The source names it no more: it is settled, whether it is stopped or not, and not read. */
  | { readonly type: 'retiring' }
  | { readonly type: 'checkpointStarted' }
  | { readonly type: 'checkpointFailed' }
  /** Another owner wrote: this epoch is over. */
  | { readonly type: 'fenced' }
  /** The epoch is to be settled anew by a new claim. */
  | { readonly type: 'epochGivenUp' }
  /** Stopped by what cannot be journaled (the journal itself is in doubt). */
  | { readonly type: 'halted'; readonly stop: StopFacts };

export type PartitionMachineEvent = PartitionEvent | PartitionHostEvent;

const takeRequest = (event: {
  readonly requestId: number;
}): Pick<PartitionContext, 'lastRequestId' | 'refusal'> => ({
  lastRequestId: event.requestId,
  refusal: null,
});

type ReadEpochs = Pick<PartitionContext, 'leaderEpoch' | 'leaderEpochStart' | 'earlierLeaderEpochs'>;

/** After every jump of nextOffset: nothing is compared with the log until more of it was read. */
const UNKNOWN_EPOCH: ReadEpochs = { leaderEpoch: null, leaderEpochStart: null, earlierLeaderEpochs: [] };

/** Behind a checkpoint. One that an earlier version wrote, in another leader epoch, does not say what was read before that. */
function epochsRead(before: ReadEpochs, event: EventOf<'checkpointCompleted'>): ReadEpochs {
  const { leaderEpoch, leaderEpochStart } = event;
  const isSame = leaderEpoch === before.leaderEpoch && leaderEpochStart === before.leaderEpochStart;
  const known = event.earlierLeaderEpochs ?? (isSame ? before.earlierLeaderEpochs : []);
  return { leaderEpoch, leaderEpochStart, earlierLeaderEpochs: known };
}

/**
 * Of the last batch that both logs hold: the log may be cut again, below it, before anything more was read. What was read in earlier leader
 * epochs is in both.
 */
function epochsBelow(
  read: ReadEpochs,
  { divergedAt, leaderEpoch }: EventOf<'logTruncationAccepted'>,
): ReadEpochs {
  if (leaderEpoch === null) return UNKNOWN_EPOCH;
  const last =
    read.leaderEpoch === null || read.leaderEpochStart === null
      ? []
      : [{ epoch: read.leaderEpoch, startOffset: read.leaderEpochStart }];
  const below = [...read.earlierLeaderEpochs, ...last].filter(({ startOffset }) => startOffset < divergedAt);
  const same = below.find(({ epoch }) => epoch === leaderEpoch);
  return {
    ...{ leaderEpoch, leaderEpochStart: same?.startOffset ?? divergedAt },
    earlierLeaderEpochs: below.filter(({ epoch }) => epoch < leaderEpoch),
  };
}

/** Pieces of the same checkpoint follow each other; the first one of another checkpoint voids what was left. */
function collectPiece(
  pieces: PartitionContext['pieces'],
  event: EventOf<'checkpointPart'>,
): PartitionContext['pieces'] {
  if (pieces?.checkpoint === event.checkpoint && pieces.count === event.index) {
    return { checkpoint: event.checkpoint, count: event.index + 1, parts: [...pieces.parts, ...event.parts] };
  }
  return event.index === 0 ? { checkpoint: event.checkpoint, count: 1, parts: event.parts } : null;
}

/** What a journaled event leaves in the partition, in whichever state. */
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
        pieces: null,
      };
    case 'partitionStopped': {
      const { type: _, ...stop } = event;
      return { stop };
    }
    case 'partitionRetired':
      // All that counts is published: what it was stopped for concerns nobody any more.
      return { retired: true, stop: null };
    case 'resumeRequested':
      return { stop: null, ...takeRequest(event) };
    case 'lossAccepted':
      return { stop: null, nextOffset: event.toOffset, ...UNKNOWN_EPOCH, ...takeRequest(event) };
    case 'logTruncationAccepted':
      return {
        ...{ stop: null, nextOffset: event.divergedAt, ...epochsBelow(context, event) },
        ...{ generation: context.generation + 1, ...takeRequest(event) },
      };
    case 'witnessAnswered':
      return {
        ...{ stop: null, answered: event.witnesses, ...takeRequest(event) },
        ...(event.loss === null ? {} : { nextOffset: event.loss.toOffset, ...UNKNOWN_EPOCH }),
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
const leaving = {
  fenced: 'fenced',
  epochGivenUp: 'replaying',
  halted: { target: 'stopped', actions: 'recordFact' },
  partitionStopped: { target: 'stopped', actions: 'recordFact' },
} as const;
const requests = { rollRequested: record, requestRefused: record } as const;
/** Whatever an earlier or another owner may have journaled. */
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
    stop: null,
    ...UNKNOWN_EPOCH,
    generation: 1,
    retired: false,
    answered: [],
    lastRequestId: 0,
    refusal: null,
    pieces: null,
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
        halted: leaving.halted,
      },
    },
    claiming: {
      description: 'Appends its claim at the expected sequence.',
      on: {
        epochClaimed: [
          { guard: 'ownClaimOfStopped', target: 'stopped', actions: 'recordFact' },
          { guard: 'ownClaim', target: 'settling', actions: 'recordFact' },
        ],
        fenced: leaving.fenced,
        halted: leaving.halted,
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
        // A halt that an operator has ended: the journal was judged anew, and now the answer can be journaled.
        resumeRequested: record,
        settled: 'running',
        retiring: 'retiring',
        ...leaving,
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
        ...leaving,
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
        ...leaving,
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
        ...leaving,
      },
    },
    retired: {
      description:
        'The source names it no more; all that it owed is published. Claimed again where it is named again.',
      on: { ...requests, fenced: leaving.fenced, epochGivenUp: leaving.epochGivenUp },
    },
    fenced: {
      description: 'Another owner claimed; claims again if the partition is still assigned.',
      on: { epochGivenUp: 'replaying' },
    },
    stopped: {
      description: 'Cannot keep the promise (P6); waits for an operator.',
      on: {
        partCommitted: {},
        ...requests,
        resumeRequested: { target: 'replaying', actions: 'recordFact' },
        lossAccepted: { target: 'replaying', actions: 'recordFact' },
        logTruncationAccepted: { target: 'replaying', actions: 'recordFact' },
        witnessAnswered: { target: 'replaying', actions: 'recordFact' },
        retiring: 'retiring',
        // The journal may come in doubt while its partition waits: that outranks the stop that it holds.
        halted: record,
        fenced: leaving.fenced,
        epochGivenUp: leaving.epochGivenUp,
      },
    },
  },
});
