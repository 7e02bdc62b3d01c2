/** The coordinator machine: joining -> running -> draining -> stopped. */
import { assign, setup } from 'xstate';
import { UNEXPECTED } from './step.ts';

/**
 * Why the coordinator ends: it was asked to, everything up to the end is committed, or it cannot continue.
 */
export type DrainReason = 'signal' | 'end' | 'failure';

export interface CoordinatorContext {
  /** Names of the partitions that the source assigned to this process. */
  readonly assigned: readonly string[];
  readonly reason: DrainReason | null;
}

export type CoordinatorEvent =
  | { readonly type: 'partitionsAssigned'; readonly partitions: readonly string[] }
  | { readonly type: 'drainRequested'; readonly reason: DrainReason }
  | { readonly type: 'drained' };

export const coordinatorMachine = setup({
  types: { context: {} as CoordinatorContext, events: {} as CoordinatorEvent },
  actions: {
    [UNEXPECTED]: () => undefined,
    recordAssignment: assign(({ event }) =>
      event.type === 'partitionsAssigned' ? { assigned: event.partitions } : {},
    ),
    recordReason: assign(({ event }) => (event.type === 'drainRequested' ? { reason: event.reason } : {})),
    /** A failure overrides an earlier reason to drain. */
    escalate: assign(({ context, event }) =>
      event.type === 'drainRequested' && event.reason === 'failure'
        ? { reason: event.reason }
        : { reason: context.reason },
    ),
  },
}).createMachine({
  id: 'coordinator',
  context: { assigned: [], reason: null },
  initial: 'joining',
  on: { '*': { actions: UNEXPECTED } },
  states: {
    joining: {
      description: 'Waits for the source to assign partitions.',
      on: {
        partitionsAssigned: { target: 'running', actions: 'recordAssignment' },
        drainRequested: { target: 'draining', actions: 'recordReason' },
      },
    },
    running: {
      description: 'Every assigned partition has its actor.',
      on: {
        partitionsAssigned: { actions: 'recordAssignment' },
        drainRequested: { target: 'draining', actions: 'recordReason' },
      },
    },
    draining: {
      description: 'Last checkpoints; then the group is left. New assignments are not taken up.',
      on: {
        partitionsAssigned: {},
        drainRequested: { actions: 'escalate' },
        drained: 'stopped',
      },
    },
    stopped: { type: 'final', description: 'Ended; the process may go.' },
  },
});
