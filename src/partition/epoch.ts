/**
 * One epoch: one ownership of a partition, from the claim until it is drained, ended, fenced or failed. The
 * router, checkpoints, publishing and timers run concurrently. The first failure of any of them ends the
 * epoch.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import { partitionName } from '../../journal/ids.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import type { PartitionFeed } from '../sources/port.ts';
import { journaledEpoch } from '../sources/readEpoch.ts';
import { Checkpoints } from './checkpoints.ts';
import { claimPartition, hasSuccessor, type Claim } from './claim.ts';
import type { FailureLatch, Gate } from '../system/concurrency.ts';
import { EpochScope } from './epochScope.ts';
import { EpochTimers } from './epochTimers.ts';
import { BadRecords } from '../writing/badRecords.ts';
import { RecordRouter } from '../writing/recordRouter.ts';
import { Rereading } from '../writing/rereading.ts';
import { FullDisk, isDiskFull } from './fullDisk.ts';
import { judgeWitnesses } from './judgeWitness.ts';
import { OperatorDesk } from './operatorDesk.ts';
import type { RecordFormat } from '../formats/format.ts';
import type { Context } from '../job/context.ts';
import { PartFiles } from './partFiles.ts';
import { checkCluster, type PartitionTask } from './partitionTask.ts';
import { Publisher } from './publisher.ts';
import { read } from './reading.ts';
import { checkPlacing } from './repair.ts';
import { retire } from './retire.ts';
import { takeOver, type TakeOver } from './takeOver.ts';
import { fromNextOffset, isAtNextOffset } from './sourceFailure.ts';
import { wentBackError, type WentBack } from './rolledBackJournal.ts';
import { WitnessKeeper } from './witnessKeeper.ts';

const REQUEST_POLL_MS = 1_000;

export class Epoch {
  readonly #context: Context;
  readonly #task: PartitionTask;
  readonly #claim: Claim;
  readonly #scope: EpochScope;
  readonly #publisher: Publisher;
  readonly #keeper: WitnessKeeper;
  readonly #records: RecordFormat;
  readonly #parts: PartFiles;
  readonly #desk: OperatorDesk;
  readonly #checkpointAtClaim: number;
  readonly #fullDisk: FullDisk;
  readonly #timers: EpochTimers;
  #router: RecordRouter | null = null;
  #feed: PartitionFeed | null = null;
  /** Null until the epoch reads: before, there is nothing to checkpoint. */
  #checkpoints: Checkpoints | null = null;
  #leaveMemory: (() => void) | undefined;
  #forgetDrain: (() => void) | undefined;
  /** The last checkpoint is journaled. */
  #isCheckpointed = false;
  /** All work of the epoch is done, including the publications that its end waits for. */
  #isComplete = false;
  /** Set if the journal was rolled back and an operator must answer; null otherwise. */
  wentBack: WentBack | null = null;

  private constructor(
    context: Context,
    task: PartitionTask,
    claim: Claim,
    scope: EpochScope,
    { publisher, keeper }: { readonly publisher: Publisher; readonly keeper: WitnessKeeper },
  ) {
    this.#context = context;
    this.#task = task;
    this.#claim = claim;
    this.#scope = scope;
    this.#publisher = publisher;
    this.#keeper = keeper;
    this.#desk = new OperatorDesk(context, () => task);
    this.#records = context.settings.format.recordsOf(task.partition);
    this.#parts = new PartFiles({ context, ...task, host: claim.host, scope, records: this.#records });
    this.#checkpointAtClaim = claim.host.ledger.facts.checkpoint;
    this.#timers = new EpochTimers(context.ports.clock, (error) => {
      scope.fail(error, `Rolling files of ${partitionName(task.partition)}`);
    });
    this.#fullDisk = new FullDisk(context, task.isDiskFull === true);
  }

  /** Claims the partition. The epoch then takes over and runs, or, if the journal says so, stays stopped. */
  static async begin(
    context: Context,
    task: PartitionTask,
    latch: FailureLatch,
    drain: Gate,
    signal: AbortSignal,
  ): Promise<Epoch> {
    const { partition } = task;
    const claim = await claimPartition(context, partition, task.startOffset, signal);
    const own = { ...context, ports: { ...context.ports, store: context.ports.store.session() } };
    const { host, epoch, claimId } = claim;
    const shared = { context: own, partition, host, tail: () => claim.writer.tail };
    const keeper = new WitnessKeeper({ ...shared, epoch, claimId });
    const scope = new EpochScope(latch, drain, context.ports.clock);
    const publisher = new Publisher({ ...shared, latch, keeper, tellsGroup: task.purpose === 'read' });
    // Only effects after the claim are handled: its own are derived from the state at takeover.
    host.handleEffects((effects) => {
      for (const effect of effects) if (effect.type === 'publishPart') publisher.publish(effect.partId, true);
    });
    return new Epoch(own, task, claim, scope, { publisher, keeper });
  }

  get claim(): Claim {
    return this.#claim;
  }

  /** Whether anything was checkpointed since the claim. */
  get madeProgress(): boolean {
    return this.#claim.host.ledger.facts.checkpoint > this.#checkpointAtClaim;
  }

  /** Whether everything that was read is in a completed checkpoint. */
  get isSafe(): boolean {
    return this.#isCheckpointed || this.routerOffset === this.#claim.host.ledger.facts.nextOffset;
  }

  /** Monotonic: when the oldest file that holds records, and is not pending, was opened. Null if none is. */
  get oldestFileAtMs(): number | null {
    return this.#router?.oldestFileAtMs ?? null;
  }

  get routerOffset(): bigint | null {
    return this.#router?.nextOffset ?? this.#claim.host.ledger.facts.nextOffset;
  }

  /** Judges the witnesses of the journal. Must run after the claim: a read before it may have been stale. */
  async checkWitness(): Promise<void> {
    const judging = { context: this.#context, ...this.#task, claim: this.#claim, latch: this.#scope.latch };
    const { names, disagreeing } = await judgeWitnesses(judging);
    if (disagreeing.length > 0) this.wentBack = { ...judging, disagreeing };
    if (this.wentBack !== null) throw await this.#scope.latch.race(wentBackError(this.wentBack));
    this.#keeper.supersede(names);
  }

  async retire(): Promise<void> {
    await this.#scope.race(retire(this.#takingOver()));
    this.#isComplete = true;
  }

  #takingOver(): Omit<TakeOver, 'adopt'> {
    const { entryBytesMax } = this.#context.ports.journal;
    const { partition } = this.#task;
    const own = { context: this.#context, partition, publisher: this.#publisher, host: this.#claim.host };
    return { ...own, entryBytesMax, scope: this.#scope };
  }

  /** Takes over, then reads until the bounded end (`ended`) or until a drain is requested (`drained`). */
  async run(): Promise<'ended' | 'drained'> {
    try {
      return await this.#run();
    } catch (error) {
      if (isDiskFull(error)) {
        await this.#stopWorking();
        await this.#fullDisk.free(this.#router, this.#checkpoints?.last ?? Promise.resolve());
      }
      throw error;
    }
  }

  async #run(): Promise<'ended' | 'drained'> {
    checkCluster(this.#task);
    const { host } = this.#claim;
    checkPlacing(this.#task, host.ledger.facts, this.#context.settings.effectiveConfig);
    const router = this.#makeRouter();
    const { fileRoom } = this.#context;
    const adopt: NonNullable<TakeOver['adopt']> = async (continued, { file, encoder }, isNewest) => {
      const writer = await this.#parts.resume(continued, file, encoder);
      // The previous owner may have held more files open than this process may.
      const takesRecords = isNewest && this.#parts.isInPlace(continued.part) && !fileRoom.isOver;
      router.adopt(writer, takesRecords);
      if (!takesRecords) await writer.drained();
    };
    await this.#scope.race(takeOver({ ...this.#takingOver(), adopt }));
    await host.note({ type: 'settled' });
    const feed = this.#openFeed(router);
    const checkpoints = this.#startCheckpoints(router, feed);
    let outcome: 'ended' | 'drained';
    try {
      const onBatch = (): Promise<void> | undefined => this.#afterBatch(router, checkpoints);
      const reading = { context: this.#context, task: this.#task, scope: this.#scope, router, feed, onBatch };
      outcome = await this.#scope.race(read(reading));
    } catch (failure) {
      const error = fromNextOffset(failure, router.nextOffset);
      await this.#keepWhatWasRead(error, checkpoints);
      throw error;
    }
    if (outcome === 'ended') router.rolls.rollAll('end');
    await this.#scope.latch.race(checkpoints.now(true));
    this.#isCheckpointed = true;
    // A drain does not wait for publications: the next owner publishes what is pending.
    if (outcome === 'ended') await this.#publisher.idle();
    this.#isComplete = true;
    return outcome;
  }

  #makeRouter(): RecordRouter {
    const { settings, ports, stats } = this.#context;
    const { partition } = this.#task;
    const { tombstones } = settings.format;
    const { memory } = ports;
    const { nextOffset, repair } = this.#claim.host.ledger.facts;
    const writing = { assigner: settings.assigner(partition), records: this.#records, tombstones };
    if (nextOffset === null)
      throw new TidemarkError(
        'INTERNAL',
        `${partitionName(this.#task.partition)} has a claim and no offset.`,
      );
    const router = new RecordRouter(
      {
        ...{ ...writing, rolling: settings.rolling, clock: ports.clock, stats },
        ...(repair === null
          ? {}
          : { rereading: new Rereading(repair, { ...writing, writesBad: settings.bad.to === 'file' }) }),
        bad: new BadRecords(settings.bad, partition),
        openPart: (bucket, firstOffset) => this.#parts.open(bucket, firstOffset),
        fileRoom: this.#context.fileRoom,
        ...(memory === undefined ? {} : { roomForFiles: () => memory.room(() => !this.#scope.isOver) }),
      },
      nextOffset,
      journaledEpoch(this.#claim.host.ledger.facts),
    );
    this.#router = router;
    return router;
  }

  #openFeed(router: RecordRouter): PartitionFeed {
    const { partition, topicId } = this.#task;
    const feed = this.#context.ports.source.open(partition, router.nextOffset, topicId, router.read);
    this.#feed = feed;
    // The gate outlives the epoch, perhaps by months: it must not keep the epoch in memory.
    this.#forgetDrain = this.#scope.drain.whenOpen(() => {
      feed.close().catch((error: unknown) => {
        this.#scope.fail(error, `Closing the feed of ${partitionName(partition)}`);
      });
    });
    return feed;
  }

  /** Runs only after everything is taken over: before, nothing can be checkpointed. */
  #startCheckpoints(router: RecordRouter, feed: PartitionFeed): Checkpoints {
    const { settings, ports } = this.#context;
    const own = { context: this.#context, task: this.#task, scope: this.#scope, host: this.#claim.host };
    const checkpoints = new Checkpoints({
      ...own,
      ...{ publisher: this.#publisher, fullDisk: this.#fullDisk, router, feed },
    });
    this.#checkpoints = checkpoints;
    const fails = (what: string) => (error: unknown) => {
      this.#scope.fail(error, `${what} of ${partitionName(this.#task.partition)}`);
    };
    this.#leaveMemory = ports.memory?.join({
      largestBytes: () => router.rolls.largestBytes(),
      isClosing: () => router.rolls.closing().length > 0,
      rollLargest: () => router.rolls.rollLargest().catch(fails('Rolling files')),
      settle: () => this.#scope.race(checkpoints.now(false)).catch(fails('The checkpoint')),
    });
    this.#every('checkpoint', settings.checkpointIntervalMs, () => checkpoints.now(false));
    this.#every('requests', REQUEST_POLL_MS, () => this.#takeRequests(router, checkpoints));
    this.#timers.armRoll(router);
    return checkpoints;
  }

  #afterBatch(router: RecordRouter, checkpoints: Checkpoints): Promise<void> | undefined {
    this.#timers.armRoll(router);
    return this.#fullDisk.takesSteps ? this.#makeItCount(router, checkpoints) : undefined;
  }

  /** On a full disk, each batch is checkpointed and published before the next one is read. */
  async #makeItCount(router: RecordRouter, checkpoints: Checkpoints): Promise<void> {
    router.rolls.rollAll('size');
    await checkpoints.now(false);
    await this.#publisher.idle();
  }

  /** The source failed: checkpoints what was read before, so that the loss begins at nextOffset. */
  async #keepWhatWasRead(error: unknown, checkpoints: Checkpoints): Promise<void> {
    if (!isAtNextOffset(error) || this.#scope.latch.failure !== null) return;
    try {
      await this.#scope.latch.race(checkpoints.now(true));
      await this.#publisher.idle();
    } catch (failure) {
      this.#context.ports.log.warn({ err: failure }, 'the last checkpoint before stopping failed');
    }
  }

  async #takeRequests(router: RecordRouter, checkpoints: Checkpoints): Promise<void> {
    const { host } = this.#claim;
    // A read may take long if the journal is unavailable. The end of the epoch does not wait for it.
    for (const request of await this.#scope.latch.race(this.#desk.untaken(host))) {
      const isAccepted = await this.#desk.take(host, request);
      if (!isAccepted || request.request?.type !== 'roll') continue;
      router.rolls.rollAll('operator');
      await checkpoints.now(false);
    }
  }

  /** Runs `work` every interval. Its failure ends the epoch. */
  #every(name: string, intervalMs: number, work: () => Promise<void>): void {
    const goesOn = (error: unknown): boolean => {
      if (isJournalFailure(error, 'unavailable') && name === 'requests') return true;
      this.#scope.fail(error, `The ${name} of ${partitionName(this.#task.partition)}`);
      return false;
    };
    this.#timers.every(name, intervalMs, () => this.#scope.race(work()), goesOn);
  }

  async #stopWorking(): Promise<void> {
    this.#scope.end();
    this.#leaveMemory?.();
    this.#forgetDrain?.();
    this.#timers.end();
    await this.#feed?.close();
  }

  /** Stops all work of the epoch and releases its files. Publishes and journals nothing more. */
  async quiesce(): Promise<void> {
    this.#publisher.end();
    this.#claim.snapshots.end();
    await this.#stopWorking();
    await Promise.allSettled([this.#checkpoints?.last, this.#scope.settled()]);
    await this.#publisher.ended();
    await this.#router?.abandon();
    if (!this.#isComplete && this.#parts.mayHaveLeftovers && (await this.hasSuccessor()))
      await this.#parts.removeLeftovers();
    await this.#context.ports.store.close();
  }

  /**
   * Whether the journal holds a later claim: then failures mean only that this epoch is over. Also false if
   * the journal does not answer.
   */
  hasSuccessor(): Promise<boolean> {
    const subject = partitionSubject(this.#context.settings.job, this.#task.partition);
    return hasSuccessor(this.#context, subject, this.#claim);
  }
}
