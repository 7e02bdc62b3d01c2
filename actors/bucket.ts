/** The bucket machine: active <-> idle, removed when it holds no part file. */
import { assign, setup } from 'xstate';
import type { PartId } from '../journal/ids.ts';
import { UNEXPECTED } from './step.ts';

export interface BucketContext {
  readonly bucket: string;
  /** Part files that take records. */
  readonly openParts: readonly PartId[];
  /** Part files that are closed to records and not yet committed or discarded. */
  readonly closedParts: readonly PartId[];
}

export type BucketEvent =
  | { readonly type: 'partOpened'; readonly partId: PartId }
  /** Pending or discarding: takes no more records. */
  | { readonly type: 'partClosed'; readonly partId: PartId }
  /** Committed or discarded. */
  | { readonly type: 'partGone'; readonly partId: PartId };

const without = (parts: readonly PartId[], gone: PartId): PartId[] => parts.filter((part) => part !== gone);

export const bucketMachine = setup({
  types: { context: {} as BucketContext, events: {} as BucketEvent, input: {} as { bucket: string } },
  guards: {
    lastPart: ({ context, event }) =>
      without(context.openParts, event.partId).length + without(context.closedParts, event.partId).length ===
      0,
    noOpenPartLeft: ({ context, event }) => without(context.openParts, event.partId).length === 0,
  },
  actions: {
    [UNEXPECTED]: () => undefined,
    addPart: assign(({ context, event }) => ({ openParts: [...context.openParts, event.partId] })),
    closePart: assign(({ context, event }) => ({
      openParts: without(context.openParts, event.partId),
      closedParts: [...without(context.closedParts, event.partId), event.partId],
    })),
    dropPart: assign(({ context, event }) => ({
      openParts: without(context.openParts, event.partId),
      closedParts: without(context.closedParts, event.partId),
    })),
  },
}).createMachine({
  id: 'bucket',
  context: ({ input }) => ({ bucket: input.bucket, openParts: [], closedParts: [] }),
  initial: 'idle',
  on: { '*': { actions: UNEXPECTED } },
  states: {
    active: {
      description: 'Holds a part file that takes records.',
      on: {
        partOpened: { actions: 'addPart' },
        partClosed: [
          { guard: 'noOpenPartLeft', target: 'idle', actions: 'closePart' },
          { actions: 'closePart' },
        ],
        partGone: [
          { guard: 'lastPart', target: 'removed', actions: 'dropPart' },
          { guard: 'noOpenPartLeft', target: 'idle', actions: 'dropPart' },
          { actions: 'dropPart' },
        ],
      },
    },
    idle: {
      description: 'Its part files are all on their way out.',
      on: {
        partOpened: { target: 'active', actions: 'addPart' },
        partGone: [{ guard: 'lastPart', target: 'removed', actions: 'dropPart' }, { actions: 'dropPart' }],
      },
    },
    removed: { type: 'final', description: 'Holds no part file; a later one makes a new actor.' },
  },
});
