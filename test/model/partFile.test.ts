import { describe, expect, it } from 'vitest';
import { partFileMachine, type PartFileEvent } from '../../actors/partFile.ts';
import { start, step } from '../../actors/step.ts';
import { change, partOpened, rolled, temporaryName } from './samples.ts';
import { describeModel } from './walk.ts';

const { type: _, ...input } = partOpened(1);
const inProgress = (length: number): PartFileEvent => ({
  type: 'partCheckpointed',
  change: change(1, length),
});
const pending = (length: number): PartFileEvent => ({
  type: 'partCheckpointed',
  change: change(1, length, rolled),
});
const started: PartFileEvent = { type: 'partStarted', handle: { uploadId: 'u1' } };
const moved = (n: number): PartFileEvent => ({ type: 'partMoved', toUri: temporaryName(n) });
const claim: PartFileEvent = { type: 'epochClaimed' };
const committed: PartFileEvent = { type: 'partCommitted' };
const lost: PartFileEvent = { type: 'partLost' };
const discarded: PartFileEvent = { type: 'partDiscarded' };

describeModel('part file', {
  machine: partFileMachine,
  input,
  label: ({ value, context }) => (context.copyUri === null ? value : `${value}, being copied`),
  cases: () => ({
    partStarted: started,
    'partCheckpointed (in progress)': inProgress(100),
    'partCheckpointed (rolled)': pending(200),
    partMoved: moved(7),
    partCommitted: committed,
    partDiscarded: discarded,
    partLost: lost,
    epochClaimed: claim,
  }),
  expected: {
    open: {
      partStarted: ['open'],
      'partCheckpointed (in progress)': ['inProgress'],
      'partCheckpointed (rolled)': ['pending', 'publishPart'],
      partDiscarded: ['discarded'],
      epochClaimed: ['discarding', 'discardPart'],
    },
    inProgress: {
      'partCheckpointed (in progress)': ['inProgress'],
      'partCheckpointed (rolled)': ['pending', 'publishPart'],
      partMoved: ['inProgress, being copied'],
      partLost: ['discarding', 'discardPart'],
      epochClaimed: ['inProgress'],
    },
    'inProgress, being copied': {
      'partCheckpointed (in progress)': ['inProgress'],
      'partCheckpointed (rolled)': ['pending', 'publishPart'],
      partMoved: ['inProgress, being copied'],
      partLost: ['discarding', 'discardPart'],
      epochClaimed: ['inProgress'],
    },
    pending: {
      partCommitted: ['committed'],
      partLost: ['discarding', 'discardPart'],
      epochClaimed: ['pending'],
    },
    discarding: { partDiscarded: ['discarded'], epochClaimed: ['discarding'] },
    committed: {},
    discarded: {},
  },
  invariant: ({ value, context }) => {
    const counted = value === 'inProgress' || value === 'pending' || value === 'committed';
    expect(context.durable !== null).toBe(counted);
    expect(context.roll !== null).toBe(value === 'pending' || value === 'committed');
    expect(context.staleUris).not.toContain(context.temporaryUri);
  },
});

describe('part file: what it keeps', () => {
  const run = (...events: readonly PartFileEvent[]) =>
    events.reduce(
      (state, event) => step(partFileMachine, state, event, 'Part file 1').state,
      start(partFileMachine, input),
    ).context;

  it('a completed checkpoint says all that is durable of the file', () => {
    const { partId: _id, state: _state, roll: _roll, ...durable } = change(1, 300);
    expect(run(inProgress(100), inProgress(300)).durable).toEqual(durable);
  });
  it('a checkpoint that makes it pending brings the reason and time of its roll', () => {
    expect(run(inProgress(100), pending(200)).roll).toEqual(rolled);
  });
  it('the copy replaces the temporary file once a checkpoint names it; the old name is kept', () => {
    const context = run(inProgress(100), claim, moved(7), pending(100));
    expect(context).toMatchObject({
      temporaryUri: temporaryName(7),
      copyUri: null,
      staleUris: [temporaryName(1)],
    });
  });
  it('what its creation left is remembered, though no checkpoint ever names the file', () => {
    expect(run(started).startHandle).toEqual({ uploadId: 'u1' });
    expect(run(started, claim).startHandle).toEqual({ uploadId: 'u1' });
    expect(run(claim).startHandle).toBeNull();
  });
  it('a file that was moved and continues has its new name alone', () => {
    const context = run(inProgress(100), claim, moved(7), claim, moved(8), inProgress(100));
    expect(context).toMatchObject({ temporaryUri: temporaryName(8), copyUri: null, staleUris: [] });
  });
  it('a copy that no checkpoint named is forgotten by the next claim, but not its name', () => {
    const context = run(inProgress(100), claim, moved(7), claim, moved(8), pending(100));
    expect(context).toMatchObject({
      temporaryUri: temporaryName(8),
      copyUri: null,
      staleUris: [temporaryName(7), temporaryName(1)],
    });
  });
  it('a file that is lost holds nothing, and its names are all to be removed', () => {
    expect(run(started, inProgress(100), claim, moved(7), lost)).toMatchObject({
      ...{ durable: null, roll: null, copyUri: null, startHandle: { uploadId: 'u1' } },
      ...{ temporaryUri: temporaryName(1), staleUris: [temporaryName(7)] },
    });
  });
  it('a second copy in one epoch does not lose the name of the first', () => {
    expect(run(inProgress(100), moved(7), moved(8))).toMatchObject({
      copyUri: temporaryName(8),
      staleUris: [temporaryName(7)],
    });
  });
});
