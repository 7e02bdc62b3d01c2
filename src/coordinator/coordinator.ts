/**
 * The coordinator: one process's part in a job. Joins, keeps a runner for every assigned partition, drains on request, and
 * reports. Any number of coordinators may share a job; the journal decides who owns what.
 */
import { coordinatorMachine, type CoordinatorEvent, type DrainReason } from '../../actors/coordinator.ts';
import { start, step } from '../../actors/step.ts';
import type { StopFacts } from '../../actors/facts.ts';
import { asTidemarkError, TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { OffsetRange, SourceFacts, TopicFacts } from '../source/port.ts';
import { Gate } from './concurrency.ts';
import { startJob, stopJob, type JobFacts } from './jobLife.ts';
import type { Context, JobSettings, Ports } from './options.ts';
import { PartitionRunner } from './partitionRunner.ts';
import { RunStats } from './stats.ts';

export interface StoppedPartition {
  readonly partition: string;
  readonly stop: StopFacts;
}

export interface CoordinatorReport {
  readonly reason: DrainReason;
  readonly stopped: readonly StoppedPartition[];
  readonly stats: RunStats;
}

export class Coordinator {
  readonly #context: Context;
  readonly #runners = new Map<string, PartitionRunner>();
  readonly #running = new Set<Promise<void>>();
  /** How bounded runs and stops ended, by partition; what is released is no longer here. */
  readonly #stopped = new Map<string, StopFacts>();
  readonly #ended = new Set<string>();
  readonly #draining = new Gate();
  #state = start(coordinatorMachine, undefined);
  #facts: JobFacts | null = null;
  #clusterId: string | null = null;
  #ranges = new Map<string, readonly OffsetRange[]>();
  #failure: TidemarkError | null = null;
  #takingUp: Promise<void> = Promise.resolve();

  constructor(ports: Ports, settings: JobSettings) {
    this.#context = { ports, settings, stats: new RunStats({ keepFiles: settings.untilEnd }) };
  }

  get stats(): RunStats {
    return this.#context.stats;
  }

  get state(): string {
    return this.#state.value;
  }

  /** Next offset to read of every partition that this process runs. */
  *flowOffsets(): Generator<{ readonly partition: TopicPartition; readonly nextOffset: bigint }> {
    for (const runner of this.#runners.values()) {
      const nextOffset = runner.flowOffset;
      if (nextOffset !== null) yield { partition: runner.task.partition, nextOffset };
    }
  }

  get partitionsRunning(): number {
    return this.#runners.size;
  }

  /** Runs until the signal, until the bounded end, or until it cannot go on (rejects). */
  async run(signal: AbortSignal): Promise<CoordinatorReport> {
    const onAbort = (): void => {
      this.#requestDrain('signal');
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#join(signal);
      await this.#draining.opened;
      await this.#drain();
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#context.ports.source.stop();
    }
    const { reason } = this.#state.context;
    if (this.#failure !== null) throw this.#failure;
    return {
      reason: reason ?? 'signal',
      stopped: [...this.#stopped].map(([partition, stop]) => ({ partition, stop })),
      stats: this.stats,
    };
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { ports, settings } = this.#context;
    const source = await this.#describe(signal);
    if (source === null) return;
    await this.#claimMarker();
    this.#facts = await startJob(this.#context, source);
    this.#clusterId = source.clusterId;
    if (settings.untilEnd) {
      for (const { topic } of source.topics) this.#ranges.set(topic, await ports.source.ranges(topic));
    }
    if (this.#draining.isOpen) return;
    await ports.source.start({
      assigned: (partitions) => {
        if (partitions.every(({ topic }) => this.#facts?.topics.has(topic) === true))
          this.#assign(partitions);
        else
          this.#track(
            this.#takingUp.then(() => {
              this.#assign(partitions);
            }),
          );
      },
      topicAppeared: (facts) => {
        this.#takeUpTopic(facts);
      },
      failed: (error) => {
        this.#fail(error);
      },
    });
  }

  /** Null where the signal came while it was waiting. */
  async #describe(signal: AbortSignal): Promise<SourceFacts | null> {
    const { ports, settings } = this.#context;
    try {
      return await ports.source.describe({
        wait: !settings.untilEnd,
        onWaiting: (message) => {
          ports.log.warn({}, message);
        },
        signal,
      });
    } catch (error) {
      if (signal.aborted && !(error instanceof TidemarkError)) return null;
      throw error;
    }
  }

  /** The destination names the journal that wrote there: another journal, or a recreated one, must not pass for it. */
  async #claimMarker(): Promise<void> {
    const { store, journal } = this.#context.ports;
    const { job, naming } = this.#context.settings;
    const id = await store.claimMarker(naming.sinkUri, job, journal.id);
    if (id === journal.id) return;
    throw new TidemarkError(
      'JOURNAL_REPLACED',
      `${naming.sinkUri} was written by job "${job}" with journal ${id}; the configured journal is ${journal.id}. Point the job ` +
        'at its own journal; or, to begin anew, give the job another name or an empty destination.',
      { fields: { sink: naming.sinkUri, markerJournalId: id, journalId: journal.id } },
    );
  }

  /** Journals where a topic begins that was not there at the start; assignments wait for it. */
  #takeUpTopic(topic: TopicFacts): void {
    const facts: SourceFacts = {
      clusterId: this.#clusterId,
      groupId: this.#facts?.groupId ?? null,
      topics: [topic],
    };
    const taken = this.#takingUp.then(async () => {
      this.#facts = await startJob(this.#context, facts);
    });
    this.#takingUp = taken.catch((error: unknown) => {
      this.#fail(error);
    });
    this.#track(this.#takingUp);
  }

  /** The whole current assignment: what is new gets a runner, what is gone is released, the rest goes on. */
  #assign(partitions: readonly TopicPartition[]): void {
    const names = new Set(partitions.map(partitionName));
    this.#tell({ type: 'partitionsAssigned', partitions: [...names] });
    if (this.#state.value !== 'running') return;
    for (const [name, runner] of this.#runners) if (!names.has(name)) runner.release();
    for (const partition of partitions) {
      const name = partitionName(partition);
      if (!this.#runners.has(name) && !this.#ended.has(name)) this.#startRunner(name, partition);
    }
    this.#checkEnded();
  }

  #startRunner(name: string, partition: TopicPartition): void {
    const { untilEnd } = this.#context.settings;
    const topic = this.#facts?.topics.get(partition.topic);
    const endOffset = this.#ranges.get(partition.topic)?.[partition.partition]?.endOffset ?? 0n;
    const runner = new PartitionRunner(this.#context, {
      partition,
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
          if (end.type === 'stopped') this.#stopped.set(name, end.stop);
          if (end.type !== 'released') this.#ended.add(name);
          this.#checkEnded();
        },
        (error: unknown) => {
          this.#runners.delete(name);
          this.#fail(error);
        },
      ),
    );
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** A bounded run is over when every assigned partition has ended. */
  #checkEnded(): void {
    if (!this.#context.settings.untilEnd || this.#state.value !== 'running') return;
    if (this.#state.context.assigned.every((name) => this.#ended.has(name))) this.#requestDrain('end');
  }

  #fail(error: unknown): void {
    this.#failure ??= asTidemarkError(error, 'The coordinator');
    this.#requestDrain('failure');
  }

  #requestDrain(reason: DrainReason): void {
    if (this.#state.value === 'stopped') return;
    this.#tell({ type: 'drainRequested', reason });
    this.#draining.open();
    for (const runner of this.#runners.values()) runner.drain();
  }

  async #drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    for (const [name, runner] of this.#runners)
      if (runner.stop !== null) this.#stopped.set(name, runner.stop);
    if (this.#facts !== null) await stopJob(this.#context, this.#state.context.reason ?? 'signal');
    this.#tell({ type: 'drained' });
  }

  #tell(event: CoordinatorEvent): void {
    this.#state = step(coordinatorMachine, this.#state, event, 'The coordinator').state;
  }
}
