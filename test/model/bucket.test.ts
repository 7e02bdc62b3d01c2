import { describe, expect, it } from 'vitest';
import { bucketMachine, type BucketEvent } from '../../actors/bucket.ts';
import { start, step } from '../../actors/step.ts';
import type { PartId } from '../../journal/ids.ts';
import { part } from './samples.ts';
import { describeModel } from './walk.ts';

const [first, second] = [part(1), part(2)];

/** `2+1`: two part files take records, one is on its way out. */
const label = (state: ReturnType<typeof start<typeof bucketMachine>>): string => {
  const { openParts, closedParts } = state.context;
  return `${state.value} ${openParts.length}+${closedParts.length}`;
};

describeModel('bucket', {
  machine: bucketMachine,
  input: { bucket: 'hour-1' },
  label,
  cases: ({ context: { openParts, closedParts } }) => {
    const held = [...openParts, ...closedParts];
    const fresh = [first, second].find((id) => !held.includes(id));
    const cases: Record<string, BucketEvent> = {};
    // Two part files tell all branches apart and keep the walk finite.
    if (fresh !== undefined) cases['partOpened'] = { type: 'partOpened', partId: fresh };
    cases['partClosed'] = { type: 'partClosed', partId: openParts[0] ?? first };
    cases['partGone (took records)'] = { type: 'partGone', partId: openParts[0] ?? first };
    const closed: PartId | undefined = closedParts[0];
    if (closed !== undefined) cases['partGone (was closed)'] = { type: 'partGone', partId: closed };
    return cases;
  },
  expected: {
    'idle 0+0': {
      partOpened: ['active 1+0'],
      // Nothing is in it: a part file that it does not know leaves it as empty as it is.
      'partGone (took records)': ['removed 0+0'],
    },
    'active 1+0': {
      partOpened: ['active 2+0'],
      partClosed: ['idle 0+1'],
      'partGone (took records)': ['removed 0+0'],
    },
    'active 2+0': {
      partClosed: ['active 1+1'],
      'partGone (took records)': ['active 1+0'],
    },
    'active 1+1': {
      partClosed: ['idle 0+2'],
      'partGone (took records)': ['idle 0+1'],
      'partGone (was closed)': ['active 1+0'],
    },
    'idle 0+1': {
      partOpened: ['active 1+1'],
      'partGone (took records)': ['removed 0+0'],
      'partGone (was closed)': ['removed 0+0'],
    },
    'idle 0+2': {
      'partGone (took records)': ['idle 0+1'],
      'partGone (was closed)': ['idle 0+1'],
    },
    'removed 0+0': {},
  },
  invariant: ({ value, context: { openParts, closedParts } }) => {
    const held = [...openParts, ...closedParts];
    expect(new Set(held).size).toBe(held.length);
    expect(value === 'active').toBe(openParts.length > 0);
    if (value === 'removed') expect(held).toEqual([]);
  },
});

describe('bucket: what it keeps', () => {
  it('which part files take records, and which are on their way out', () => {
    let state = start(bucketMachine, { bucket: 'hour-1' });
    const events: BucketEvent[] = [
      { type: 'partOpened', partId: first },
      { type: 'partOpened', partId: second },
      { type: 'partClosed', partId: first },
    ];
    for (const event of events) state = step(bucketMachine, state, event, 'Bucket hour-1').state;
    expect(state.context).toEqual({ bucket: 'hour-1', openParts: [second], closedParts: [first] });
  });
});
