import { describe, expect, it } from 'vitest';
import { coordinatorMachine, type CoordinatorEvent } from '../../actors/coordinator.ts';
import { start, step } from '../../actors/step.ts';
import { describeModel } from './walk.ts';

const assigned: CoordinatorEvent = { type: 'partitionsAssigned', partitions: ['clicks/0', 'clicks/1'] };
const drain = (reason: 'signal' | 'end' | 'failure'): CoordinatorEvent => ({
  type: 'drainRequested',
  reason,
});
const drained: CoordinatorEvent = { type: 'drained' };

describeModel('coordinator', {
  machine: coordinatorMachine,
  input: undefined,
  label: ({ value, context }) => (context.reason === null ? value : `${value} (${context.reason})`),
  cases: () => ({
    partitionsAssigned: assigned,
    'drainRequested (signal)': drain('signal'),
    'drainRequested (end)': drain('end'),
    'drainRequested (failure)': drain('failure'),
    drained,
  }),
  expected: {
    joining: {
      partitionsAssigned: ['running'],
      'drainRequested (signal)': ['draining (signal)'],
      'drainRequested (end)': ['draining (end)'],
      'drainRequested (failure)': ['draining (failure)'],
    },
    running: {
      partitionsAssigned: ['running'],
      'drainRequested (signal)': ['draining (signal)'],
      'drainRequested (end)': ['draining (end)'],
      'drainRequested (failure)': ['draining (failure)'],
    },
    'draining (signal)': {
      partitionsAssigned: ['draining (signal)'],
      'drainRequested (signal)': ['draining (signal)'],
      'drainRequested (end)': ['draining (signal)'],
      'drainRequested (failure)': ['draining (failure)'],
      drained: ['stopped (signal)'],
    },
    'draining (end)': {
      partitionsAssigned: ['draining (end)'],
      'drainRequested (signal)': ['draining (end)'],
      'drainRequested (end)': ['draining (end)'],
      'drainRequested (failure)': ['draining (failure)'],
      drained: ['stopped (end)'],
    },
    'draining (failure)': {
      partitionsAssigned: ['draining (failure)'],
      'drainRequested (signal)': ['draining (failure)'],
      'drainRequested (end)': ['draining (failure)'],
      'drainRequested (failure)': ['draining (failure)'],
      drained: ['stopped (failure)'],
    },
    'stopped (signal)': {},
    'stopped (end)': {},
    'stopped (failure)': {},
  },
  invariant: ({ value, context }) => {
    expect(context.reason !== null).toBe(value === 'draining' || value === 'stopped');
  },
});

describe('coordinator: what it keeps', () => {
  const run = (...events: readonly CoordinatorEvent[]) =>
    events.reduce(
      (state, event) => step(coordinatorMachine, state, event, 'The coordinator').state,
      start(coordinatorMachine, undefined),
    );

  it('a new assignment replaces the one before', () => {
    const { context } = run(assigned, { type: 'partitionsAssigned', partitions: ['clicks/2'] });
    expect(context.assigned).toEqual(['clicks/2']);
  });
  it('an assignment that comes while it drains is not taken up', () => {
    const { context } = run(assigned, drain('signal'), {
      type: 'partitionsAssigned',
      partitions: ['clicks/9'],
    });
    expect(context.assigned).toEqual(['clicks/0', 'clicks/1']);
  });
});
