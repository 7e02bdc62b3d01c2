/** What others get to see of a ledger: its parts by state, its steps, and the facts of its errors. */
import { describe, expect, it } from 'vitest';
import { PartitionLedger } from '../../../actors/ledger.ts';
import { restore } from '../../../actors/step.ts';
import { partFileMachine } from '../../../actors/partFile.ts';
import type { PartitionEvent } from '../../../journal/events.ts';
import { change, checkpointed, claimed, part, partOpened, piece, rolled } from '../../model/samples.ts';

const history: readonly PartitionEvent[] = [
  claimed(1),
  partOpened(1),
  partOpened(2),
  partOpened(3),
  checkpointed(1, 50n, [change(1, 100), change(2, 100, rolled)]),
];

function folded(...events: readonly PartitionEvent[]): PartitionLedger {
  const ledger = new PartitionLedger();
  for (const event of events) ledger.fold([event]);
  return ledger;
}

describe('part files by state', () => {
  it.each([
    ['open', [3]],
    ['inProgress', [1]],
    ['pending', [2]],
    ['discarding', []],
  ] as const)('%s: just those', (status, expected) => {
    const found = [...folded(...history).parts(status)];
    expect(found.map(({ context }) => context.partId)).toEqual(expected.map(part));
    expect(found.every((view) => view.status === status)).toBe(true);
  });

  it('those of all states without one, as they were opened', () => {
    expect([...folded(...history).parts()].map(({ status }) => status)).toEqual([
      ...['inProgress', 'pending', 'open'],
    ]);
  });
});

describe('steps', () => {
  it('are reported with machine, state, event and next state: partition, part file, bucket', () => {
    const steps: string[] = [];
    const ledger = new PartitionLedger((...step) => steps.push(step.join(' ')));
    ledger.fold([claimed(1), partOpened(1)]);
    steps.length = 0;
    ledger.fold([checkpointed(1, 50n, [change(1, 10, rolled)])]);
    expect(steps).toEqual([
      'partition replaying checkpointCompleted replaying',
      'partFile open partCheckpointed pending',
      'bucket active partClosed idle',
    ]);
  });

  it('of a restored ledger are reported, too, and those of host events', () => {
    const steps: string[] = [];
    const ledger = PartitionLedger.restored(folded(...history).capture(), (...step) =>
      steps.push(step.join(' ')),
    );
    ledger.note({ type: 'replayed', ownClaimId: claimed(2).claimId });
    ledger.stage().note({ type: 'fenced' });
    expect(steps).toEqual(['partition replaying replayed claiming', 'partition claiming fenced replaying']);
  });
});

describe('errors name what they are about', () => {
  const errorOf = (events: readonly PartitionEvent[]): unknown => {
    const ledger = folded(...history);
    try {
      ledger.fold(events);
    } catch (error) {
      return error;
    }
    return null;
  };

  it('a part file that exists already, and one that is not open', () => {
    expect(errorOf([partOpened(1)])).toMatchObject({ fields: { partId: part(1), event: 'partOpened' } });
    expect(errorOf([{ type: 'partCommitted', partId: part(9) }])).toMatchObject({
      fields: { partId: part(9), event: 'partCommitted' },
    });
  });

  it('a checkpoint, with the pieces that it counts and those that are there', () => {
    expect(errorOf([checkpointed(2, 60n, [], 2)])).toMatchObject({
      ...{ code: 'JOURNAL_CORRUPT', fields: { checkpoint: 2, counted: 2, found: 0 } },
    });
    expect(errorOf([piece(2, 0, []), checkpointed(2, 60n, [], 2)])).toMatchObject({
      ...{ code: 'JOURNAL_CORRUPT', fields: { checkpoint: 2, counted: 2, found: 1 } },
    });
  });
});

describe('a stored state', () => {
  it('that the machine does not have is refused', () => {
    const { context } = folded(...history).part(part(1)) ?? {};
    expect(() => restore(partFileMachine, 'teleported', context as never)).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
  });
});
