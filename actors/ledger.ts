/**
 * The recovery fold and live registry of one partition: its own actor, its buckets and its part files. Each
 * is a separate root, keyed by id. A journaled event always reaches them in this order: partition, part file,
 * bucket.
 *
 * Changes are staged first and adopted after the journal has them. Replay stages and adopts at once and runs
 * no effect.
 */
import { TidemarkError } from '../journal/errors.ts';
import type { EventOf, PartChange, PartitionEvent } from '../journal/events.ts';
import type { PartId } from '../journal/ids.ts';
import { bucketMachine, type BucketEvent } from './bucket.ts';
import type { Effect } from './facts.ts';
import { partFileMachine, type PartFileInput, type PartFileContext, type PartFileEvent } from './partFile.ts';
import { partitionMachine, type PartitionContext, type PartitionHostEvent } from './partition.ts';
import type { MissingRange } from './repair.ts';
import { restore, start, step, type MachineState, type OnStep, type Step } from './step.ts';
import type { AnyStateMachine, EventFromLogic } from 'xstate';

export type PartitionState = MachineState<typeof partitionMachine>;
export type PartFileState = MachineState<typeof partFileMachine>;
export type BucketState = MachineState<typeof bucketMachine>;
export type PartFileStatus = PartFileState['value'];

/** A part file and the name of its state, for takeover and status. */
export interface PartFileView {
  readonly status: PartFileStatus;
  readonly context: PartFileContext;
}

/**
 * Version of the fold's result; a snapshot of another version is not used. Raise it with every change of this
 * file or of a machine that it feeds.
 */
export const FOLD_VERSION = 8;

/** Result of a fold over the entries so far: plain data with bigints, to be stored and continued from. */
export interface LedgerFacts {
  readonly partition: PartitionContext;
  /** In the order in which they were opened. */
  readonly parts: readonly PartFileView[];
  readonly buckets: readonly {
    readonly status: BucketState['value'];
    readonly context: BucketState['context'];
  }[];
  readonly committedFiles: number;
}

export class PartitionLedger {
  #partition: PartitionState = start(partitionMachine, undefined);
  readonly #parts = new Map<PartId, PartFileState>();
  readonly #buckets = new Map<string, BucketState>();
  #committedFiles = 0;
  readonly #onStep: OnStep | undefined;

  constructor(onStep?: OnStep) {
    this.#onStep = onStep;
  }

  /** A ledger with the result of an earlier fold. */
  static restored(
    { partition, parts, buckets, committedFiles }: LedgerFacts,
    onStep?: OnStep,
  ): PartitionLedger {
    const ledger = new PartitionLedger(onStep);
    ledger.#partition = restore(partitionMachine, ledger.#partition.value, partition);
    for (const { status, context } of parts)
      ledger.#parts.set(context.partId, restore(partFileMachine, status, context));
    for (const { status, context } of buckets)
      ledger.#buckets.set(context.bucket, restore(bucketMachine, status, context));
    ledger.#committedFiles = committedFiles;
    return ledger;
  }

  /** The result that a fold of the same entries would have. Omits what only this process knows. */
  capture(): LedgerFacts {
    return {
      partition: { ...this.#partition.context, ownClaimId: null },
      parts: [...this.parts()],
      buckets: [...this.#buckets.values()].map(({ value, context }) => ({ status: value, context })),
      committedFiles: this.#committedFiles,
    };
  }

  get status(): PartitionState['value'] {
    return this.#partition.value;
  }

  get facts(): PartitionContext {
    return this.#partition.context;
  }

  /** Number of part files committed since the journal began. */
  get committedFiles(): number {
    return this.#committedFiles;
  }

  get buckets(): ReadonlyMap<string, BucketState> {
    return this.#buckets;
  }

  part(id: PartId): PartFileView | undefined {
    const state = this.#parts.get(id);
    return state === undefined ? undefined : { status: state.value, context: state.context };
  }

  /** Part files that are neither committed nor discarded, in the order in which they were opened. */
  *parts(status?: PartFileStatus): Generator<PartFileView> {
    for (const state of this.#parts.values()) {
      if (status === undefined || state.value === status)
        yield { status: state.value, context: state.context };
    }
  }

  /** Starts a change that is adopted or dropped as a whole. One at a time. */
  stage(): Stage {
    return new Stage(this.#partition, this.#parts, this.#buckets, this.#onStep);
  }

  adopt(stage: Stage): readonly Effect[] {
    this.#partition = stage.partition;
    for (const [id, state] of stage.parts) {
      if (state.status === 'active') this.#parts.set(id, state);
      else this.#parts.delete(id);
      if (state.value === 'committed') this.#committedFiles += 1;
    }
    for (const [bucket, state] of stage.buckets) {
      if (state.status === 'active') this.#buckets.set(bucket, state);
      else this.#buckets.delete(bucket);
    }
    return stage.effects;
  }

  /** Replays the events of one entry: adopts them at once and drops the effects. */
  fold(events: readonly PartitionEvent[]): void {
    const stage = this.stage();
    for (const event of events) stage.apply(event);
    this.adopt(stage);
  }

  /** Applies a host event. Call it only while nothing is staged; otherwise use `Stage.note`. */
  note(event: PartitionHostEvent): void {
    this.#partition = watched(this.#onStep, partitionMachine, this.#partition, event, 'The partition').state;
  }
}

/** A step that is reported to `onStep`. */
function watched<TMachine extends AnyStateMachine>(
  onStep: OnStep | undefined,
  machine: TMachine,
  state: MachineState<TMachine>,
  event: EventFromLogic<TMachine>,
  who: string,
): Step<TMachine> {
  const taken = step(machine, state, event, who);
  onStep?.(
    machine.id,
    String(state.value),
    (event as { readonly type: string }).type,
    String(taken.state.value),
  );
  return taken;
}

/**
 * A staged change of a ledger. Reads fall through to the ledger for everything that the stage has not
 * changed.
 */
export class Stage {
  partition: PartitionState;
  readonly parts = new Map<PartId, PartFileState>();
  readonly buckets = new Map<string, BucketState>();
  readonly effects: Effect[] = [];
  readonly #baseParts: ReadonlyMap<PartId, PartFileState>;
  readonly #baseBuckets: ReadonlyMap<string, BucketState>;
  readonly #onStep: OnStep | undefined;

  constructor(
    partition: PartitionState,
    parts: ReadonlyMap<PartId, PartFileState>,
    buckets: ReadonlyMap<string, BucketState>,
    onStep?: OnStep,
  ) {
    this.#onStep = onStep;
    this.partition = partition;
    this.#baseParts = parts;
    this.#baseBuckets = buckets;
  }

  get facts(): PartitionContext {
    return this.partition.context;
  }

  /** Applies a host event, which is not journaled, in order with the journaled ones. */
  note(event: PartitionHostEvent): void {
    this.partition = watched(this.#onStep, partitionMachine, this.partition, event, 'The partition').state;
  }

  /** Feeds a journaled event to every actor that it concerns. */
  apply(event: PartitionEvent): void {
    if (event.type === 'partitionRewound') {
      this.#rewind(event);
      return;
    }
    const pieces = this.partition.context.pieces;
    this.partition = watched(this.#onStep, partitionMachine, this.partition, event, 'The partition').state;
    switch (event.type) {
      case 'epochClaimed':
        for (const id of this.#partsLeft()) this.#toPart(id, { type: 'epochClaimed' });
        return;
      case 'partOpened': {
        this.#checkNew(event.partId);
        this.parts.set(event.partId, start(partFileMachine, partInputOf(event)));
        this.#toBucket(event.bucket, { type: 'partOpened', partId: event.partId });
        return;
      }
      case 'partStarted':
        this.#toPart(event.partId, { type: 'partStarted', handle: event.handle });
        return;
      case 'partMoved':
        this.#toPart(event.partId, { type: 'partMoved', toUri: event.toUri });
        return;
      case 'checkpointCompleted':
        for (const change of allChanges(event, pieces)) {
          this.#toPart(change.partId, { type: 'partCheckpointed', change });
        }
        return;
      case 'partCommitted':
      case 'partDiscarded':
        this.#toPart(event.partId, { type: event.type });
        return;
      default:
        return;
    }
  }

  /** The lost files are to be discarded; the partition remembers which offsets they held. */
  #rewind(event: EventOf<'partitionRewound'>): void {
    const ids = allDamaged(event, this.partition.context.damaged);
    const lost = ids.flatMap((id) => this.#heldBy(id));
    const rewound = { ...event, lost };
    this.partition = watched(this.#onStep, partitionMachine, this.partition, rewound, 'The partition').state;
    for (const id of ids) this.#toPart(id, { type: 'partLost' });
  }

  #heldBy(id: PartId): readonly MissingRange[] {
    const { bucket, durable } = (this.parts.get(id) ?? this.#baseParts.get(id))?.context ?? {};
    if (bucket === undefined || durable === null || durable === undefined || durable.records === 0) return [];
    return [{ bucket, firstOffset: durable.firstOffset, lastOffset: durable.lastOffset }];
  }

  /**
   * Part files that are neither committed nor discarded, with this change applied, in the order in which they
   * were opened.
   */
  #partsLeft(): readonly PartId[] {
    const ids = new Set([...this.#baseParts.keys(), ...this.parts.keys()]);
    return [...ids].filter((id) => (this.parts.get(id) ?? this.#baseParts.get(id))?.status === 'active');
  }

  #checkNew(id: PartId): void {
    if (!this.parts.has(id) && !this.#baseParts.has(id)) return;
    throw new TidemarkError(
      'PROTOCOL_UNEXPECTED_EVENT',
      `The event "partOpened" names the part file ${id}, which there is already. The partition stops.`,
      { fields: { partId: id, event: 'partOpened' } },
    );
  }

  #toPart(id: PartId, event: PartFileEvent): void {
    const state = this.parts.get(id) ?? this.#baseParts.get(id);
    if (state === undefined) {
      throw new TidemarkError(
        'PROTOCOL_UNEXPECTED_EVENT',
        `The event "${event.type}" names the part file ${id}, which is not open. The partition stops.`,
        { fields: { partId: id, event: event.type } },
      );
    }
    const next = watched(this.#onStep, partFileMachine, state, event, `Part file ${id}`);
    this.parts.set(id, next.state);
    for (const action of next.actions) {
      if (action === 'publishPart' || action === 'discardPart')
        this.effects.push({ type: action, partId: id });
    }
    this.#tellBucket(id, state, next.state);
  }

  #tellBucket(partId: PartId, before: PartFileState, after: PartFileState): void {
    const { bucket } = after.context;
    if (after.status === 'done') this.#toBucket(bucket, { type: 'partGone', partId });
    else if (takesRecords(before) && !takesRecords(after)) {
      this.#toBucket(bucket, { type: 'partClosed', partId });
    }
  }

  #toBucket(bucket: string, event: BucketEvent): void {
    const known = this.buckets.get(bucket) ?? this.#baseBuckets.get(bucket);
    const state = known?.status === 'active' ? known : start(bucketMachine, { bucket });
    this.buckets.set(bucket, watched(this.#onStep, bucketMachine, state, event, `Bucket ${bucket}`).state);
  }
}

const takesRecords = ({ value }: PartFileState): boolean => value === 'open' || value === 'inProgress';

/** The damaged files of a rewind, those journaled before it first. */
function allDamaged(
  { requestId, damagedParts, parts }: EventOf<'partitionRewound'>,
  damaged: PartitionContext['damaged'],
): readonly PartId[] {
  if (damagedParts === 0) return parts;
  if (damaged?.requestId === requestId && damaged.count === damagedParts) return [...damaged.parts, ...parts];
  throw new TidemarkError(
    'JOURNAL_CORRUPT',
    `The rewind of request ${requestId} counts ${damagedParts} pieces, the journal holds ${
      damaged?.count ?? 0
    }.`,
    { fields: { requestId, counted: damagedParts, found: damaged?.count ?? 0 } },
  );
}

/**
 * The changes of a completed checkpoint, journaled pieces first. Pieces that the checkpoint does not count
 * are void.
 */
function allChanges(
  event: EventOf<'checkpointCompleted'>,
  pieces: PartitionContext['pieces'],
): readonly PartChange[] {
  if (event.checkpointParts === 0) return event.parts;
  if (pieces?.checkpoint !== event.checkpoint || pieces.count !== event.checkpointParts) {
    throw new TidemarkError(
      'JOURNAL_CORRUPT',
      `Checkpoint ${event.checkpoint} counts ${event.checkpointParts} pieces, the journal holds ${
        pieces?.count ?? 0
      }.`,
      { fields: { checkpoint: event.checkpoint, counted: event.checkpointParts, found: pieces?.count ?? 0 } },
    );
  }
  return [...pieces.parts, ...event.parts];
}

/** What of the event becomes state: a field that only readers of the journal want stays out of snapshots. */
function partInputOf(event: EventOf<'partOpened'>): PartFileInput {
  const { partId, bucket, finalUri, temporaryUri, format, firstOffset, generation, openedAtMs } = event;
  return { partId, bucket, finalUri, temporaryUri, format, firstOffset, generation, openedAtMs };
}
