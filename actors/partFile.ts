/**
 * The part file machine: open -> inProgress -> pending -> committed, or discarding -> discarded. Only an
 * operator's repair discards a file that a completed checkpoint names.
 *
 * Every state follows from the journal alone. Rolling is not a state: a rolled file is closed to records in
 * memory, and only a completed checkpoint makes it pending.
 */
import { assign, setup } from 'xstate';
import type { EventOf, PartChange } from '../journal/events.ts';
import type { PartId } from '../journal/ids.ts';
import type { DurableFacts, RollFacts } from './facts.ts';
import { hasRowsFile } from './naming.ts';
import { UNEXPECTED } from './step.ts';

export interface PartFileInput {
  readonly partId: PartId;
  readonly bucket: string;
  readonly finalUri: string;
  readonly temporaryUri: string;
  readonly format: string;
  readonly firstOffset: bigint;
  /** Generation of the source's log that its offsets belong to. */
  readonly generation: number;
  readonly openedAtMs: number;
}

/** What a later owner needs, besides the names, to clean up the file. */
export type StartHandle = EventOf<'partStarted'>['handle'];

export interface PartFileContext extends PartFileInput {
  /** Null if the names are enough, or if the file was not started. */
  readonly startHandle: StartHandle;
  /** Null until a completed checkpoint includes records of the file. */
  readonly durable: DurableFacts | null;
  readonly roll: RollFacts | null;
  /**
   * Name to which the file is being copied or moved. It becomes temporaryUri with the next checkpoint that
   * includes the file. Until then, a file that is moved has this name, temporaryUri or one of staleUris.
   */
  readonly copyUri: string | null;
  /**
   * Other journaled temporary names that may exist. Their content is not needed, unless the file is being
   * moved.
   */
  readonly staleUris: readonly string[];
}

export type PartFileEvent =
  | { readonly type: 'partStarted'; readonly handle: StartHandle }
  | { readonly type: 'partMoved'; readonly toUri: string }
  | { readonly type: 'partCheckpointed'; readonly change: PartChange }
  | { readonly type: 'partCommitted' }
  | { readonly type: 'partDiscarded' }
  /** Its checkpointed bytes are lost, and its records are read again. */
  | { readonly type: 'partLost' }
  | { readonly type: 'epochClaimed' };

/**
 * The first checkpoint that includes a file after a takeover confirms that its data is under the new name.
 */
function namesAfterCheckpoint(
  { temporaryUri, copyUri, staleUris, format }: PartFileContext,
  state: PartChange['state'],
): Partial<PartFileContext> {
  if (copyUri === null) return {};
  // A file that stays in progress was moved, not copied: its earlier names no longer exist. Rows files beside
  // them may.
  const isGone = state === 'inProgress' && !hasRowsFile(format);
  return {
    temporaryUri: copyUri,
    copyUri: null,
    staleUris: isGone ? [] : [...staleUris, temporaryUri],
  };
}

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
      return {
        ...namesAfterCheckpoint(context, change.state),
        durable: {
          length: change.length,
          records: change.records,
          firstOffset: change.firstOffset,
          lastOffset: change.lastOffset,
          crc64: change.crc64,
          handle: change.handle,
        },
        roll: change.roll,
      };
    }),
    recordStart: assign(({ event }) => (event.type === 'partStarted' ? { startHandle: event.handle } : {})),
    recordCopy: assign(({ context, event }) =>
      event.type === 'partMoved'
        ? { copyUri: event.toUri, staleUris: [...context.staleUris, ...leftBehind(context.copyUri)] }
        : {},
    ),
    /**
     * A copy that no checkpoint confirmed belongs to the previous epoch. Its owner may still write to it, or
     * move the file there.
     */
    forgetCopy: assign(({ context }) => ({
      copyUri: null,
      staleUris: [...context.staleUris, ...leftBehind(context.copyUri)],
    })),
    forgetContent: assign(() => ({ durable: null, roll: null })),
  },
}).createMachine({
  id: 'partFile',
  context: ({ input }) => ({
    ...input,
    startHandle: null,
    durable: null,
    roll: null,
    copyUri: null,
    staleUris: [],
  }),
  initial: 'open',
  on: { '*': { actions: UNEXPECTED } },
  states: {
    open: {
      description: 'Named in the journal; no completed checkpoint holds records of it.',
      on: {
        partStarted: { actions: 'recordStart' },
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
        partLost: { target: 'discarding', actions: ['forgetCopy', 'forgetContent', 'discardPart'] },
        epochClaimed: { actions: 'forgetCopy' },
      },
    },
    pending: {
      description: 'Closed by a completed checkpoint; to be published under its final name.',
      on: {
        partCommitted: 'committed',
        partLost: { target: 'discarding', actions: ['forgetCopy', 'forgetContent', 'discardPart'] },
        epochClaimed: {},
      },
    },
    discarding: {
      description: 'Holds nothing that still counts; its temporary names are to be removed.',
      on: {
        partDiscarded: 'discarded',
        epochClaimed: {},
      },
    },
    committed: { type: 'final', description: 'Published; never touched again.' },
    discarded: { type: 'final', description: 'Gone.' },
  },
});
