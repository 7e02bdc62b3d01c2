/** The checkpoints of an epoch that reads: one at a time, each of what the router holds when it begins. */
import { partitionName } from '../../journal/ids.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import type { Context } from '../job/context.ts';
import type { PartitionFeed } from '../sources/port.ts';
import type { PartitionCounts } from '../telemetry/runCounts.ts';
import type { Cut, RecordRouter } from '../writing/recordRouter.ts';
import { checkpoint } from './checkpoint.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { EpochScope } from './epochScope.ts';
import type { FullDisk } from './fullDisk.ts';
import type { PartitionTask } from './partitionTask.ts';
import type { Publisher } from './publisher.ts';
import { isSourceAway } from './sourceFailure.ts';
import { proveSource } from './sourceProof.ts';

export interface CheckpointsOptions {
  readonly context: Context;
  readonly task: PartitionTask;
  readonly host: PartitionHost;
  readonly scope: EpochScope;
  readonly publisher: Publisher;
  readonly fullDisk: FullDisk;
  readonly router: RecordRouter;
  readonly feed: PartitionFeed;
}

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** The checkpoint that was requested last. */
  get last(): Promise<void> {
    return this.#last;
  }

  /**
   * Makes a checkpoint after the earlier ones are done. If the source does not answer, a required checkpoint
   * fails; any other is left to the next interval.
   */
  now(required: boolean): Promise<void> {
    this.#last = this.#last.then(() => this.#make(required));
    return this.#last;
  }

  async #make(required: boolean): Promise<void> {
    const { context, task, host, scope, publisher, fullDisk, router } = this.#options;
    if (scope.isEnded) return;
    const { ports, health, stats } = context;
    const counts = stats.counts.of(task.partition);
    const startedMs = stats.counts.nowMs();
    const condition = conditionKey.epoch(task.partition);
    const { repair, nextOffset } = host.ledger.facts;
    const cut = router.cut();
    if (cut.parts.length === 0 && cut.nextOffset === nextOffset) {
      health.conditions.clear(condition);
      counts.checkpointAtMs = ports.clock.wallMs();
      return;
    }
    await host.note({ type: 'checkpointStarted' });
    try {
      await scope.latch.race(proveSource(ports.source, task, repair, this.#options.feed, cut));
    } catch (error) {
      await host.note({ type: 'checkpointFailed' });
      if (required || !isSourceAway(error)) throw error;
      ports.log.warn(
        { err: error },
        'the source does not answer; the checkpoint is tried again at the next interval',
      );
      return;
    }
    await checkpoint(host, ports.journal.entryBytesMax, router, cut, () => fullDisk.mustNotBeFreed());
    health.conditions.clear(condition);
    stats.counts.took(stats.counts.checkpointSeconds, startedMs);
    counts.checkpointAtMs = ports.clock.wallMs();
    addCut(counts, cut);
    publisher.tellOffset();
    const facts = { partition: partitionName(task.partition), nextOffset: cut.nextOffset };
    ports.log.debug({ ...facts, files: cut.parts.length }, 'checkpoint completed');
  }
}

function addCut(counts: PartitionCounts, { recordsRead, recordsSkippedNull, bad }: Cut): void {
  counts.recordsRead += recordsRead;
  counts.recordsSkippedNull += recordsSkippedNull;
  counts.recordsSkippedBad += bad.skipped;
  for (const { reason, records } of bad.counts)
    counts.recordsBad.set(reason, (counts.recordsBad.get(reason) ?? 0) + records);
}
