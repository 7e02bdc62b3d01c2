/**
 * One epoch: one ownership of a partition, from the claim until it is drained, ended, fenced or failed. The router, checkpoints,
 * publishing and timers run beside each other; the first failure of any of them ends the epoch.
 */
import { hasCode, TidemarkError } from '../../journal/errors.ts';
import { partitionName } from '../../journal/ids.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import type { PartitionFeed } from '../sources/port.ts';
import { journaledEpoch } from '../sources/readEpoch.ts';
import { nextBatch, proveEnd } from './boundedEnd.ts';
import { checkpoint } from './checkpoint.ts';
import { claimPartition, hasSuccessor, type Claim } from './claim.ts';
import { type FailureLatch, type Gate } from '../system/concurrency.ts';
import { EpochTimers } from './epochTimers.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import { RecordRouter } from '../writing/recordRouter.ts';
import { FullDisk, isDiskFull } from './fullDisk.ts';
import { judgeWitnesses } from './judgeWitness.ts';
import { OperatorDesk } from './operatorDesk.ts';
import type { Context } from '../job/options.ts';
import { PartFiles } from './partFiles.ts';
import { checkCluster, type PartitionTask } from './partitionTask.ts';
import { Publisher } from './publisher.ts';
import { retire } from './retire.ts';
import { takeOver, type TakeOver } from './takeOver.ts';
import { checkNoGap, fromNextOffset, isOfSource } from './sourceFailure.ts';
import { proveSource } from './sourceProof.ts';
import { wentBackError, type WentBack } from './wentBack.ts';
import { WitnessKeeper } from './witnessKeeper.ts';

const REQUEST_POLL_MS = 1_000;

export class Epoch {
  readonly #context: Context;
  readonly #task: PartitionTask;
  readonly #claim: Claim;
  readonly #latch: FailureLatch;
  readonly #publisher: Publisher;
  readonly #keeper: WitnessKeeper;
  readonly #parts: PartFiles;
  readonly #drain: Gate;
  readonly #desk: OperatorDesk;
  readonly #checkpointAtClaim: number;
  readonly #fullDisk: FullDisk;
  readonly #timers: EpochTimers;
  #router: RecordRouter | null = null;
  #feed: PartitionFeed | null = null;
  #checkpointing: Promise<void> = Promise.resolve();
  /** What is under way beside checkpoints and publishing: it must have ended before the next epoch begins. */
  readonly #underWay = new Set<Promise<unknown>>();
  #leaveMemory: (() => void) | undefined;
  #forgetDrain: (() => void) | undefined;
  #over = false;
  /** Its last checkpoint is journaled. */
  #isCheckpointed = false;
  /** The same, and whoever waits for it has nothing more to wait for. */
  #isComplete = false;
  /** The journal went back, and an operator is to answer; null where it did not. */
  wentBack: WentBack | null = null;

  private constructor(
    context: Context,
    task: PartitionTask,
    claim: Claim,
    latch: FailureLatch,
    { publisher, keeper }: { readonly publisher: Publisher; readonly keeper: WitnessKeeper },
    drain: Gate,
  ) {
    this.#context = context;
    this.#task = task;
    this.#claim = claim;
    this.#latch = latch;
    this.#publisher = publisher;
    this.#keeper = keeper;
    this.#drain = drain;
    this.#desk = new OperatorDesk(context, task.partition);
    this.#parts = new PartFiles({ context, ...task, host: claim.host, latch, isOver: () => this.#isOver });
    this.#checkpointAtClaim = claim.host.ledger.facts.checkpoint;
    this.#timers = new EpochTimers(context.ports.clock);
    this.#fullDisk = new FullDisk(context, task.isDiskFull === true);
  }

  /** Claims; the epoch is then settled and run, or, where the journal says so, stopped. */
  static async begin(
    context: Context,
    task: PartitionTask,
    latch: FailureLatch,
    drain: Gate,
    signal: AbortSignal,
  ): Promise<Epoch> {
    let publisher: Publisher | null = null;
    const claim = await claimPartition(
      context,
      task.partition,
      task.startOffset,
      (effects) => {
        // Effects of the claim itself are dropped: settling derives what is to be done from the state alone.
        for (const effect of effects)
          if (effect.type === 'publishPart') publisher?.publish(effect.partId, true);
      },
      signal,
    );
    const { partition } = task;
    const own = { ...context, ports: { ...context.ports, store: context.ports.store.session() } };
    const { host, epoch, claimId } = claim;
    const shared = { context: own, partition, host, tail: () => claim.writer.tail };
    const keeper = new WitnessKeeper({ ...shared, epoch, claimId });
    publisher = new Publisher({ ...shared, latch, keeper, tellsGroup: task.purpose === 'read' });
    return new Epoch(own, task, claim, latch, { publisher, keeper }, drain);
  }

  get claim(): Claim {
    return this.#claim;
  }

  /** Whether anything was checkpointed since the claim. */
  get madeProgress(): boolean {
    return this.#claim.host.ledger.facts.checkpoint > this.#checkpointAtClaim;
  }

  /** Whether everything that it has read is in a completed checkpoint. */
  get isSafe(): boolean {
    return this.#isCheckpointed || this.routerOffset === this.#claim.host.ledger.facts.nextOffset;
  }

  get routerOffset(): bigint | null {
    return this.#router?.nextOffset ?? this.#claim.host.ledger.facts.nextOffset;
  }

  /** Judges the witnesses of the journal: only now, since a read before the own claim may have been stale. */
  async checkWitness(): Promise<void> {
    const judging = { context: this.#context, ...this.#task, claim: this.#claim, latch: this.#latch };
    const { names, disagreeing } = await judgeWitnesses(judging);
    if (disagreeing.length > 0) this.wentBack = { ...judging, disagreeing };
    if (this.wentBack !== null) throw await this.#latch.race(wentBackError(this.wentBack));
    this.#keeper.supersede(names);
  }

  async retire(): Promise<void> {
    await this.#racing(retire(this.#takingOver()));
    this.#isComplete = true;
  }

  #takingOver(): Omit<TakeOver, 'adopt'> {
    const { entryBytesMax } = this.#context.ports.journal;
    const { partition } = this.#task;
    const own = { context: this.#context, partition, publisher: this.#publisher, host: this.#claim.host };
    return { ...own, entryBytesMax, isOver: () => this.#isOver, pause: (delayMs) => this.#pause(delayMs) };
  }

  /** Settles, then reads until the bounded end (`ended`) or until it is asked to drain (`drained`). */
  async run(): Promise<'ended' | 'drained'> {
    try {
      return await this.#run();
    } catch (error) {
      if (isDiskFull(error)) {
        await this.#stopWorking();
        await this.#fullDisk.free(this.#router, this.#checkpointing);
      }
      throw error;
    }
  }

  async #run(): Promise<'ended' | 'drained'> {
    checkCluster(this.#task);
    const { host } = this.#claim;
    const router = this.#makeRouter();
    const { fileRoom } = this.#context;
    const adopt: NonNullable<TakeOver['adopt']> = async (part, durable, file, isNewest) => {
      const writer = this.#parts.resume(part, durable, file);
      // Whose files these were may have held more open than this process may.
      const takesRecords = isNewest && this.#parts.isInPlace(part) && !fileRoom.isOver;
      router.adopt(writer, takesRecords);
      if (!takesRecords) await writer.drained();
    };
    await this.#racing(takeOver({ ...this.#takingOver(), adopt }));
    await host.submit((stage) => {
      stage.note({ type: 'settled' });
      return [];
    });
    this.#shareMemory(router);
    this.#startReading(router);
    let outcome: 'ended' | 'drained';
    try {
      outcome = await this.#racing(this.#pump(router));
    } catch (failure) {
      const error = fromNextOffset(failure, router.nextOffset);
      await this.#keepWhatWasRead(error);
      throw error;
    }
    if (outcome === 'ended') router.rollAll('end');
    await this.#latch.race(this.#checkpointNow(true));
    this.#isCheckpointed = true;
    // Who asked for the end waits for no publication: the next owner publishes what is pending.
    if (outcome === 'ended') await this.#publisher.idle();
    this.#isComplete = true;
    return outcome;
  }

  get #isOver(): boolean {
    return this.#over || this.#latch.failure !== null;
  }

  /** Ends early, with false, where the epoch is over or is to be drained. */
  async #pause(delayMs: number): Promise<boolean> {
    await this.#drain.orOpened(this.#latch.race(this.#context.ports.clock.pause(delayMs)));
    return !this.#isOver && !this.#drain.isOpen;
  }

  /** The epoch's failure cuts the wait short; the work itself is waited for by `quiesce`. */
  #racing<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const forget = (): void => void this.#underWay.delete(work);
    work.then(forget, forget);
    return this.#latch.race(work);
  }

  #makeRouter(): RecordRouter {
    const { settings, ports, stats } = this.#context;
    const { memory } = ports;
    const { nextOffset } = this.#claim.host.ledger.facts;
    if (nextOffset === null)
      throw new TidemarkError(
        'INTERNAL',
        `${partitionName(this.#task.partition)} has a claim and no offset.`,
      );
    const router = new RecordRouter(
      {
        ...{ assigner: settings.assigner, rolling: settings.rolling, clock: ports.clock, stats },
        openPart: (bucket, firstOffset) => this.#parts.open(bucket, firstOffset),
        fileRoom: this.#context.fileRoom,
        ...(memory === undefined ? {} : { roomForFiles: () => memory.room(() => !this.#isOver) }),
      },
      nextOffset,
      journaledEpoch(this.#claim.host.ledger.facts),
    );
    this.#router = router;
    return router;
  }

  /** Only once it is settled: before, nothing can be checkpointed. */
  #shareMemory(router: RecordRouter): void {
    this.#leaveMemory = this.#context.ports.memory?.join({
      largestBytes: () => router.largestBytes(),
      rollLargest: () => router.rollLargest(),
      settle: () =>
        this.#racing(this.#checkpointNow(false)).catch((error: unknown) => {
          this.#latch.fail(error, `The checkpoint of ${partitionName(this.#task.partition)}`);
        }),
    });
  }

  #startReading(router: RecordRouter): void {
    const { settings, ports } = this.#context;
    const { partition, topicId } = this.#task;
    const feed = ports.source.open(partition, router.nextOffset, topicId, router.read);
    this.#feed = feed;
    // The gate outlives the epoch, by months perhaps: it must not hold on to it.
    this.#forgetDrain = this.#drain.whenOpen(() => {
      feed.close().catch((error: unknown) => {
        this.#latch.fail(error, `Closing the feed of ${partitionName(partition)}`);
      });
    });
    this.#every('checkpoint', settings.checkpointIntervalMs, () => this.#checkpointNow(false));
    this.#every('requests', REQUEST_POLL_MS, () => this.#takeRequests());
    this.#timers.armRoll(router);
  }

  async #pump(router: RecordRouter): Promise<'ended' | 'drained'> {
    const { endOffset, partition, topicId } = this.#task;
    const feed = this.#feed;
    if (feed === null) throw new TidemarkError('INTERNAL', `${partitionName(partition)} has no feed.`);
    if (endOffset !== null && router.nextOffset >= endOffset) {
      const { nextOffset } = router;
      const isOver = (): boolean => this.#isOver || this.#drain.isOpen;
      const verifyLog = async () => feed.verify?.({ offset: nextOffset, read: router.read });
      await proveEnd(this.#context.ports, { partition, topicId, nextOffset, endOffset, isOver, verifyLog });
    }
    while (endOffset === null || router.nextOffset < endOffset) {
      if (this.#drain.isOpen) return 'drained';
      const batch = await nextBatch(this.#context, partition, feed, this.#drain);
      if (batch === null) return 'drained';
      checkNoGap(partition, router.nextOffset, batch);
      try {
        await router.consume(batch, endOffset);
      } finally {
        batch.release?.();
      }
      this.#timers.armRoll(router);
      if (!this.#fullDisk.takesSteps) continue;
      router.rollAll('size');
      await this.#checkpointNow(false);
      await this.#publisher.idle();
    }
    return 'ended';
  }

  /** The source cannot go on: what was read before is made to count, so that the loss begins at nextOffset. */
  async #keepWhatWasRead(error: unknown): Promise<void> {
    if (!isOfSource(error) || this.#latch.failure !== null) return;
    try {
      await this.#latch.race(this.#checkpointNow(true));
      await this.#publisher.idle();
    } catch (failure) {
      this.#context.ports.log.warn({ err: failure }, 'the last checkpoint before stopping failed');
    }
  }

  /** One checkpoint at a time; this one begins when those before it are done. */
  #checkpointNow(required: boolean): Promise<void> {
    this.#checkpointing = this.#checkpointing.then(() => this.#checkpoint(required));
    return this.#checkpointing;
  }

  /** A required one fails where the source does not answer; others are left to the next interval. */
  async #checkpoint(required: boolean): Promise<void> {
    const router = this.#router;
    if (router === null || this.#over) return;
    const { host } = this.#claim;
    const { ports } = this.#context;
    const cut = router.cut();
    if (cut.parts.length === 0 && cut.nextOffset === host.ledger.facts.nextOffset) {
      this.#context.health.conditions.clear(conditionKey.epoch(this.#task.partition));
      return;
    }
    await host.submit((stage) => {
      stage.note({ type: 'checkpointStarted' });
      return [];
    });
    try {
      await this.#latch.race(proveSource(ports.source, this.#task, this.#feed, cut));
    } catch (error) {
      await host.submit((stage) => {
        stage.note({ type: 'checkpointFailed' });
        return [];
      });
      if (required || !hasCode(error, 'KAFKA_UNAVAILABLE')) throw error;
      ports.log.warn(
        { err: error },
        'the source does not answer; the checkpoint is tried again at the next interval',
      );
      return;
    }
    await checkpoint(host, ports.journal.entryBytesMax, router, cut, () => this.#fullDisk.mustNotBeFreed());
    this.#context.health.conditions.clear(conditionKey.epoch(this.#task.partition));
    this.#publisher.tellOffset();
    const partition = partitionName(this.#task.partition);
    const facts = { partition, nextOffset: cut.nextOffset, files: cut.parts.length };
    ports.log.debug(facts, 'checkpoint completed');
  }

  async #takeRequests(): Promise<void> {
    const { host } = this.#claim;
    // A journal that is away may keep a read for long; the end of the epoch does not wait for it.
    for (const request of await this.#latch.race(this.#desk.untaken(host))) {
      const isAccepted = await this.#desk.take(host, request);
      if (!isAccepted || request.request?.type !== 'roll') continue;
      this.#router?.rollAll('operator');
      await this.#checkpointNow(false);
    }
  }

  /** Runs `work` every interval; its failure ends the epoch. */
  #every(name: string, intervalMs: number, work: () => Promise<void>): void {
    const goesOn = (error: unknown): boolean => {
      if (hasCode(error, 'JOURNAL_UNAVAILABLE') && name === 'requests') return true;
      this.#latch.fail(error, `The ${name} of ${partitionName(this.#task.partition)}`);
      return false;
    };
    this.#timers.every(name, intervalMs, () => this.#racing(work()), goesOn);
  }

  async #stopWorking(): Promise<void> {
    this.#over = true;
    this.#leaveMemory?.();
    this.#forgetDrain?.();
    this.#timers.end();
    await this.#feed?.close();
  }

  /** Stops everything that the epoch has under way and lets go of its files; publishes and journals nothing more. */
  async quiesce(): Promise<void> {
    this.#publisher.end();
    this.#claim.snapshots.end();
    await this.#stopWorking();
    await Promise.allSettled([this.#checkpointing, ...this.#underWay]);
    await this.#publisher.ended();
    await this.#router?.abandon();
    if (!this.#isComplete && this.#parts.mayHaveLeftovers && (await this.hasSuccessor()))
      await this.#parts.removeLeftovers();
    await this.#context.ports.store.close();
  }

  /** Whether the journal holds a later claim: then what fails does so because this epoch is over. False also where it is silent. */
  hasSuccessor(): Promise<boolean> {
    const subject = partitionSubject(this.#context.settings.job, this.#task.partition);
    return hasSuccessor(this.#context, subject, this.#claim);
  }
}
