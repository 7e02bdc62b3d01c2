/**
 * The part file machine: open -> inProgress -> pending -> committed, or discarding -> discarded.
 *
 * Every state follows from the journal alone. Rolling is no state: a rolled file is closed to records in memory and becomes
 * pending only by a completed checkpoint.
 */
import { assign, setup } from 'xstate';
import type { PartChange } from '../journal/events.ts';
import type { PartId } from '../journal/ids.ts';
import type { DurableFacts, RollFacts } from './facts.ts';
import { UNEXPECTED } from './step.ts';

export interface PartFileInput {
  readonly partId: PartId;
  readonly bucket: string;
  readonly finalUri: string;
  readonly temporaryUri: string;
  readonly format: 'text';
  readonly firstOffset: bigint;
  readonly openedAtMs: number;
}

export interface PartFileContext extends PartFileInput {
  /** Null until a completed checkpoint holds records of the file. */
  readonly durable: DurableFacts | null;
  readonly roll: RollFacts | null;
  /** Name of a copy that is being made; becomes temporaryUri by the checkpoint that names the copy. */
  readonly copyUri: string | null;
  /** Journaled temporary names that may exist and hold nothing that is needed. */
  readonly staleUris: readonly string[];
}

export type PartFileEvent =
  | { readonly type: 'partMoved'; readonly toUri: string }
  | { readonly type: 'partCheckpointed'; readonly change: PartChange }
  | { readonly type: 'partCommitted' }
  | { readonly type: 'partDiscarded' }
  | { readonly type: 'epochClaimed' };

const leftBehind = (uri: string | null): readonly string[] => (uri === null ? [] : [uri]);

export const partFileMachine = setup({
  types: {
    context: {} as PartFileContext,
    events: {} as PartFileEvent,
    input: {} as PartFileInput,
  },
  guards: {
    rolled: ({ event }) => event.type === 'partCheckpointed' && event.change.state === 'pending',
  },
  actions: {
    publishPart: () => undefined,
    discardPart: () => undefined,
    [UNEXPECTED]: () => undefined,
    recordCheckpoint: assign(({ context, event }) => {
      if (event.type !== 'partCheckpointed') return {};
      const { change } = event;
      const moved = context.copyUri !== null && change.state === 'pending';
      return {
        durable: {
          length: change.length,
          records: change.records,
          firstOffset: change.firstOffset,
          lastOffset: change.lastOffset,
          crc64: change.crc64,
          handle: change.handle,
        },
        roll: change.roll,
        temporaryUri: moved ? context.copyUri : context.temporaryUri,
        staleUris: moved ? [...context.staleUris, context.temporaryUri] : context.staleUris,
        copyUri: moved ? null : context.copyUri,
      };
    }),
    recordCopy: assign(({ context, event }) =>
      event.type === 'partMoved'
        ? { copyUri: event.toUri, staleUris: [...context.staleUris, ...leftBehind(context.copyUri)] }
        : {},
    ),
    /** A copy that no checkpoint named belongs to the epoch before: another owner may still write to it. */
    forgetCopy: assign(({ context }) => ({
      copyUri: null,
      staleUris: [...context.staleUris, ...leftBehind(context.copyUri)],
    })),
  },
}).createMachine({
  id: 'partFile',
  context: ({ input }) => ({ ...input, durable: null, roll: null, copyUri: null, staleUris: [] }),
  initial: 'open',
  on: { '*': { actions: UNEXPECTED } },
  states: {
    open: {
      description: 'Named in the journal; no completed checkpoint holds records of it.',
      on: {
        partCheckpointed: [
          { guard: 'rolled', target: 'pending', actions: ['recordCheckpoint', 'publishPart'] },
          { target: 'inProgress', actions: 'recordCheckpoint' },
        ],
        partDiscarded: 'discarded',
        epochClaimed: { target: 'discarding', actions: 'discardPart' },
      },
    },
    inProgress: {
      description: 'A completed checkpoint holds its first bytes; it takes more.',
      on: {
        partCheckpointed: [
          { guard: 'rolled', target: 'pending', actions: ['recordCheckpoint', 'publishPart'] },
          { target: 'inProgress', actions: 'recordCheckpoint' },
        ],
        partMoved: { actions: 'recordCopy' },
        epochClaimed: { actions: 'forgetCopy' },
      },
    },
    pending: {
      description: 'Closed by a completed checkpoint; to be published under its final name.',
      on: {
        partCommitted: 'committed',
        epochClaimed: {},
      },
    },
    discarding: {
      description: 'Holds nothing that a checkpoint counts; its temporary names are to be removed.',
      on: {
        partDiscarded: 'discarded',
        epochClaimed: {},
      },
    },
    committed: { type: 'final', description: 'Published; never touched again.' },
    discarded: { type: 'final', description: 'Gone.' },
  },
});
