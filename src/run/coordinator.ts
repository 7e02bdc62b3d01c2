/**
 * The coordinator: one process's part in a job. Joins, keeps a runner for every assigned partition, drains on
 * request, and reports. Any number of coordinators may share a job; the journal decides who owns what.
 */
import { coordinatorMachine, type CoordinatorEvent, type DrainReason } from '../../actors/coordinator.ts';
import { start, step } from '../../actors/step.ts';
import type { StopFacts } from '../../actors/facts.ts';
import { asTidemarkError, TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { ConditionBoard } from '../telemetry/conditions.ts';
import { OPEN_FILE_BYTES } from '../system/memoryBudget.ts';
import { Health } from '../presence/health.ts';
import { isSourceFailure } from '../sources/failure.ts';
import type { OffsetRange, Source, SourceFacts, SourceListener, TopicFacts } from '../sources/port.ts';
import { beginJob, startPatience } from './beginning.ts';
import { topicsEnded } from './boundedTopics.ts';
import { Gate } from '../system/concurrency.ts';
import { CoordinatorPresence } from './coordinatorPresence.ts';
import { FileRoom } from '../writing/fileRoom.ts';
import { incompleteError, missingTopic, notInTime, unmatchedPattern } from './endings.ts';
import { takeUpTopics, type JobFacts } from '../job/jobLife.ts';
import { journalStop } from './journalStop.ts';
import type { Context, JobSettings, Ports } from '../job/context.ts';
import type { RunnerEnd } from '../partition/epochEnd.ts';
import { PartitionRunner } from '../partition/partitionRunner.ts';
import type { PartitionTask } from '../partition/partitionTask.ts';
import { stopFactsOf } from '../partition/stopFacts.ts';
import { RunStats } from '../writing/runStats.ts';
import { unfinishedPartitions, warnOfUnnamed } from './unfinished.ts';
import { watchedContext } from './watchedContext.ts';
import { WriteBuffers } from '../writing/writeBuffers.ts';

/** The part of the shutdown time that is reserved for leaving the group, whatever the last checkpoints do. */
const LEAVING_MS = 1_000;
/** The part of that time for partitions that were given up. */
const GIVEN_UP_MS = 100;

export interface StoppedPartition {
  readonly partition: string;
  readonly stop: StopFacts;
}

export interface CoordinatorReport {
  readonly reason: DrainReason;
  readonly stopped: readonly StoppedPartition[];
  readonly stats: RunStats;
}

type Wanted = Pick<PartitionTask, 'partition' | 'purpose'>;

export class Coordinator {
  readonly #context: Context;
  readonly #conditions: ConditionBoard;
  readonly #presence: CoordinatorPresence;
  readonly #runners = new Map<string, PartitionRunner>();
  readonly #running = new Set<Promise<void>>();
  /** How partitions stopped or ended here, by name. Released partitions are not included. */
  readonly #stopped = new Map<string, StopFacts>();
  readonly #ended = new Set<string>();
  /** Partitions retired here, for as long as the source hands them out to be taken over. */
  readonly #retired = new Set<string>();
  #wanted: ReadonlyMap<string, Wanted> = new Map();
  readonly #draining = new Gate();
  #state = start(coordinatorMachine, undefined);
  #facts: JobFacts | null = null;
  #clusterId: string | null = null;
  #ranges: ReadonlyMap<string, readonly OffsetRange[]> = new Map();
  #failure: TidemarkError | null = null;
  #takingUp: Promise<void> = Promise.resolve();
  #looksForEnd = false;
  /** How many assignments have come. */
  #assignments = 0;
  /** Why partitions ended without their last checkpoint, by name. */
  readonly #incomplete = new Map<string, TidemarkError>();
  /** Monotonic: when incomplete last checkpoints are given up. */
  #giveUpAtMs = Infinity;

  constructor(ports: Ports, settings: JobSettings) {
    this.#conditions = new ConditionBoard(ports);
    const runStats = new RunStats({ keepFiles: settings.untilEnd });
    const filesMax = Math.min(ports.openFilesMax ?? Infinity, ports.memory?.openFilesMax ?? Infinity);
    this.#context = watchedContext({
      ports,
      settings,
      stats: runStats,
      fileRoom: new FileRoom(runStats, filesMax),
      buffers: new WriteBuffers(ports.bufferArea),
      health: new Health(ports.clock, ports.conditions ?? this.#conditions),
    });
    this.#presence = new CoordinatorPresence(this.#context, () => this.runners());
    const { stats, buffers } = this.#context;
    const bufferBytes = (): number => buffers.takenBytes + buffers.rowBytes + (ports.store.excessBytes ?? 0);
    ports.memory?.measure({
      heldBytes: () => bufferBytes() + stats.heldFiles * OPEN_FILE_BYTES,
      rolledBytes: () => (stats.openFiles - stats.heldFiles + stats.pendingFiles) * OPEN_FILE_BYTES,
    });
  }

  get stats(): RunStats {
    return this.#context.stats;
  }

  get state(): string {
    return this.#state.value;
  }

  /** Its answers are part of the health. */
  get source(): Source {
    return this.#context.ports.source;
  }

  get health(): Health {
    return this.#context.health;
  }

  /** Of every partition that this process has. */
  runners(): Iterable<PartitionRunner> {
    return this.#runners.values();
  }

  /** Whether the source has assigned partitions, perhaps none. */
  get hasJoined(): boolean {
    return this.#assignments > 0;
  }

  get partitionsRunning(): number {
    return this.#runners.size;
  }

  /** Runs until the signal or the bounded end. Rejects if it cannot continue. */
  async run(signal: AbortSignal): Promise<CoordinatorReport> {
    const onAbort = (): void => {
      this.#requestDrain('signal');
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    this.#presence.start();
    try {
      // A wait during the beginning may hang: a requested end does not wait for it.
      await this.#draining.orOpened(this.#join(signal));
      await this.#draining.opened;
      await this.#drain();
    } finally {
      signal.removeEventListener('abort', onAbort);
      await Promise.all([this.#context.ports.source.stop(), this.#presence.end()]);
      this.#conditions.end();
    }
    const { reason } = this.#state.context;
    if (this.#failure !== null) throw this.#failure;
    return {
      reason: reason ?? 'signal',
      stopped: [...this.#stopped].map(([partition, stop]) => ({ partition, stop })),
      stats: this.stats,
    };
  }

  /** Resolves without joining if the signal arrives during a wait. */
  async #join(signal: AbortSignal): Promise<void> {
    try {
      await this.#begin(signal);
    } catch (error) {
      if (!signal.aborted || error instanceof TidemarkError) throw error;
    }
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const patience = startPatience(this.#context, signal);
    const { source, facts, left, ranges, unreadable } = await beginJob(this.#context, signal, patience);
    this.#facts = facts;
    this.#clusterId = source.clusterId;
    this.#ranges = ranges;
    if (this.#context.settings.untilEnd) {
      for (const topic of source.missing ?? []) this.#stopped.set(topic, missingTopic(topic));
      for (const pattern of source.unmatched ?? []) this.#stopped.set(pattern, unmatchedPattern(pattern));
      // What a pattern has found and is gone again was never there.
      for (const [topic, error] of left)
        if (!isSourceFailure(error, 'topicMissing')) this.#stopped.set(topic, stopFactsOf(error));
    }
    for (const [name, stop] of unreadable) {
      this.#stopped.set(name, stop);
      this.#ended.add(name);
    }
    if (this.#draining.isOpen) return;
    const group = source.groupId === null ? 'the files' : `group ${source.groupId}`;
    await patience.until({
      ...{ what: `partitions that ${group} assigns`, code: 'SOURCE_UNAVAILABLE' },
      work: () => this.#context.ports.source.start(this.#listener()),
    });
  }

  #listener(): SourceListener {
    return {
      assigned: (partitions, unnamed = []) => {
        this.#assignments += 1;
        this.stats.counts.rebalances += 1;
        const assignment = this.#assignments;
        this.#assign(partitions, unnamed);
        if (partitions.every((partition) => this.#isTakenUp(partition))) return;
        this.#track(
          this.#takingUp.then(() => {
            if (assignment === this.#assignments) this.#assign(partitions, unnamed);
          }),
        );
      },
      unfinished: (assigned) => unfinishedPartitions(this.#context, assigned),
      topicAppeared: (facts) => {
        this.#takeUpTopic(facts);
      },
      failed: (error) => {
        this.#fail(error);
      },
    };
  }

  /** Whether it is journaled where the partition's topic begins. */
  #isTakenUp({ topic }: TopicPartition): boolean {
    return this.#facts?.topics.has(topic) === true;
  }

  /** Journals where a topic begins that did not exist at the start. Its partitions wait for it. */
  #takeUpTopic(topic: TopicFacts): void {
    const facts: SourceFacts = {
      clusterId: this.#clusterId,
      groupId: this.#facts?.groupId ?? null,
      topics: [topic],
    };
    const taken = this.#takingUp.then(async () => {
      this.#facts = (await takeUpTopics(this.#context, facts)).facts;
    });
    const isKnown = this.#facts?.topics.has(topic.topic) === true;
    this.#takingUp = taken.catch((error: unknown) => {
      if (!isKnown) this.#fail(error);
      else this.#context.ports.log.warn({ err: error, ...topic }, 'the longer id of a file is not journaled');
    });
    this.#track(this.#takingUp);
  }

  /**
   * Takes the whole current assignment: starts runners for new partitions, releases those that are gone.
   * Leaves out partitions of topics that are not taken up.
   */
  #assign(partitions: readonly TopicPartition[], unnamed: readonly TopicPartition[]): void {
    const wanted = new Map<string, Wanted>();
    for (const partition of unnamed) wanted.set(partitionName(partition), { partition, purpose: 'retire' });
    for (const partition of partitions)
      if (this.#isTakenUp(partition)) wanted.set(partitionName(partition), { partition, purpose: 'read' });
    for (const name of this.#retired) if (wanted.get(name)?.purpose !== 'retire') this.#retired.delete(name);
    this.#wanted = wanted;
    this.#tell({ type: 'partitionsAssigned', partitions: [...wanted.keys()] });
    if (this.#state.value !== 'running') return;
    for (const [name, runner] of this.#runners)
      if (wanted.get(name)?.purpose !== runner.task.purpose) runner.release();
    for (const [name, { partition, purpose }] of wanted) {
      if (this.#runners.has(name) || this.#isDone(name)) continue;
      if (purpose === 'retire') warnOfUnnamed(this.#context.ports.log, name);
      this.#startRunner(name, { partition, purpose });
    }
    this.#checkEnded();
  }

  #isDone(name: string): boolean {
    return this.#ended.has(name) || this.#retired.has(name);
  }

  #startRunner(name: string, { partition, purpose }: Wanted): void {
    const { untilEnd } = this.#context.settings;
    const topic = this.#facts?.topics.get(partition.topic);
    const endOffset = this.#ranges.get(partition.topic)?.[partition.partition]?.endOffset ?? 0n;
    const runner = new PartitionRunner(this.#context, {
      ...{ partition, purpose },
      startOffset: topic?.startOffsets[partition.partition] ?? 0n,
      topicId: topic?.topicId ?? null,
      clusterId: { journaled: this.#facts?.clusterId ?? null, found: this.#clusterId },
      endOffset: untilEnd ? endOffset : null,
    });
    this.#runners.set(name, runner);
    this.#stopped.delete(name);
    this.#track(
      runner.run().then(
        (end) => {
          this.#runners.delete(name);
          this.#afterEnd(name, end);
        },
        (error: unknown) => {
          this.#runners.delete(name);
          this.#fail(error);
        },
      ),
    );
  }

  #afterEnd(name: string, end: RunnerEnd): void {
    if (end.type === 'stopped') this.#stopped.set(name, end.stop);
    if (end.type === 'drained' && end.failure !== null) {
      this.#incomplete.set(name, end.failure);
      this.#requestDrain('failure');
    }
    const wanted = this.#wanted.get(name);
    if (end.type === 'retired') this.#retired.add(name);
    else if (end.type !== 'released') this.#ended.add(name);
    // It may have been assigned again before its runner had released it.
    else if (this.#state.value === 'running' && wanted !== undefined) this.#startRunner(name, wanted);
    this.#checkEnded();
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** A bounded run is over when every partition of its topics is at its end, whoever reads it. */
  #checkEnded(): void {
    const facts = this.#facts;
    if (!this.#context.settings.untilEnd || facts === null || this.#looksForEnd || this.#hasWork()) return;
    this.#looksForEnd = true;
    const isEnded = (name: string): boolean => this.#ended.has(name);
    const isOver = (): boolean => this.#hasWork();
    const [context, ranges] = [this.#context, this.#ranges];
    this.#track(
      topicsEnded({ context, facts, ranges, isEnded, isOver }).then(
        (stopped) => {
          this.#looksForEnd = false;
          if (stopped === null) {
            this.#checkEnded();
            return;
          }
          for (const [name, stop] of stopped) this.#stopped.set(name, stop);
          this.#requestDrain('end');
        },
        (error: unknown) => {
          this.#fail(error);
        },
      ),
    );
  }

  /** Whether it has partitions of its own to read. True while it drains: no end is looked for then. */
  #hasWork(): boolean {
    const { value, context } = this.#state;
    return value !== 'running' || !context.assigned.every((name) => this.#isDone(name));
  }

  #fail(error: unknown): void {
    this.#failure ??= asTidemarkError(error, 'The coordinator');
    this.#requestDrain('failure');
  }

  #requestDrain(reason: DrainReason): void {
    if (this.#state.value === 'stopped') return;
    this.#tell({ type: 'drainRequested', reason });
    const { ports, settings } = this.#context;
    if (!this.#draining.isOpen) this.#giveUpAtMs = ports.clock.nowMs() + settings.shutdownMs - LEAVING_MS;
    this.#draining.open();
    for (const runner of this.#runners.values()) runner.drain();
  }

  async #drain(): Promise<void> {
    const { clock } = this.#context.ports;
    const isOver = new Gate();
    const limit = clock.timer(this.#leftMs, () => {
      for (const runner of this.#runners.values()) runner.giveUp();
      isOver.open();
    });
    const ended = this.#allEnded();
    await isOver.orOpened(ended);
    limit.cancel();
    if (isOver.isOpen) await Promise.race([ended, clock.pause(GIVEN_UP_MS)]);
    for (const [name, runner] of this.#runners) {
      if (runner.stop !== null) this.#stopped.set(name, runner.stop);
      else if (!runner.isSafe) this.#incomplete.set(name, notInTime(name));
    }
    // What was given up is unavailable, most likely the journal.
    if (this.#facts !== null && this.#incomplete.size === 0)
      await journalStop(this.#context, this.#state.context.reason ?? 'signal', this.#leftMs);
    this.#failure ??= incompleteError(this.#incomplete);
    this.#tell({ type: 'drained' });
  }

  get #leftMs(): number {
    return Math.max(0, this.#giveUpAtMs - this.#context.ports.clock.nowMs());
  }

  async #allEnded(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #tell(event: CoordinatorEvent): void {
    const from = this.#state.value;
    this.#state = step(coordinatorMachine, this.#state, event, 'The coordinator').state;
    this.#context.ports.onStep?.(coordinatorMachine.id, from, event.type, this.#state.value);
  }
}
