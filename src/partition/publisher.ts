/**
 * Publishes pending part files: first writes the journal's witness to the destination and to the group, then
 * gives the files their final names, then journals partCommitted. Runs beside the router. Transient failures
 * are retried; others end the epoch.
 */
import type { DurableFacts } from '../../actors/facts.ts';
import { withRowsFiles } from '../../actors/naming.ts';
import type { PartitionHost } from './partitionHost.ts';
import type { PartFileContext } from '../../actors/partFile.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type PartId, type TopicPartition } from '../../journal/ids.ts';
import type { Tail } from '../../journal/replay.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { encodeWitness } from '../../journal/witness.ts';
import { conditionOf } from '../telemetry/conditions.ts';
import { passing } from '../system/failpoints.ts';
import type { DurablePart, PartTarget } from '../stores/port.ts';
import { forEachBounded, Gate, type FailureLatch } from '../system/concurrency.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import { heldQuestion } from './heldByJournal.ts';
import type { Context } from '../job/context.ts';
import { retrying } from './retrying.ts';
import type { WitnessKeeper } from './witnessKeeper.ts';

const PUBLISH_CONCURRENCY = 8;

export interface PublisherOptions {
  readonly context: Context;
  readonly partition: TopicPartition;
  readonly host: PartitionHost;
  readonly latch: FailureLatch;
  /** The journal's acknowledged end, for the witness. */
  readonly tail: () => Tail;
  readonly keeper: WitnessKeeper;
  /** False if the source no longer has the partition: Kafka accepts no offset of a deleted topic. */
  readonly tellsGroup: boolean;
}

interface Pending {
  readonly partId: PartId;
  readonly closedHere: boolean;
  /** Monotonic, of the run's counts. */
  readonly sinceMs: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #queue: Pending[] = [];
  #working: Promise<void> | null = null;
  #offsetDue = false;
  /** The offset that was last committed to the group, or is being committed. */
  #toldOffset: bigint | null = null;
  readonly #end = new Gate();
  /** Aborts calls that retry by themselves. */
  readonly #ending = new AbortController();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Queues a pending file. `closedHere`: this epoch closed it, so it need not be read back. */
  publish(partId: PartId, closedHere: boolean): void {
    if (this.#isOver()) return;
    const { stats } = this.#options.context;
    this.#queue.push({ partId, closedHere, sinceMs: stats.counts.nowMs() });
    stats.pendingFiles += 1;
    this.#working ??= this.#work();
  }

  /** Commits the offset of a completed checkpoint to the group, even if no file became pending. */
  tellOffset(): void {
    if (this.#isOver() || this.#options.host.ledger.facts.nextOffset === this.#toldOffset) return;
    this.#offsetDue = true;
    this.#working ??= this.#work();
  }

  /** Resolves when everything queued is published. Rejects with the epoch's failure, even an earlier one. */
  async idle(): Promise<void> {
    const { latch } = this.#options;
    while (this.#working !== null) await latch.race(this.#working);
    if (latch.failure !== null) throw latch.failure;
  }

  /** Accepts nothing new. The next epoch takes over what is left. */
  end(): void {
    const { context, partition } = this.#options;
    context.health.conditions.clear(conditionKey.publish(partition));
    this.#end.open();
    this.#ending.abort();
    this.#offsetDue = false;
    this.#options.context.stats.pendingFiles -= this.#queue.length;
    this.#queue = [];
  }

  #isOver(): boolean {
    return this.#end.isOpen;
  }

  /** After `end`: resolves when no call of the store is in flight. */
  async ended(): Promise<void> {
    await this.#working;
  }

  /** Works in rounds: takes everything pending, and commits to the group before the first file. */
  async #work(): Promise<void> {
    try {
      // Files that became pending together are queued one by one, within the same turn.
      await Promise.resolve();
      while (this.#queue.length > 0 || this.#offsetDue) {
        const round = this.#queue;
        this.#queue = [];
        try {
          // Both witnesses exist before anything that they cover is visible.
          if (round.length > 0) await this.#options.keeper.write(this.#end);
          await this.#end.orOpened(this.#commitOffset());
          if (round.length > 0 && !this.#isOver()) await this.#expectHeld();
          await forEachBounded(round, PUBLISH_CONCURRENCY, (item) => this.#publishOne(item));
          if (!this.#isOver()) await this.#options.keeper.removeOlder();
        } finally {
          this.#options.context.stats.pendingFiles -= round.length;
        }
      }
    } catch (error) {
      this.#options.latch.fail(error, 'Publishing part files');
    } finally {
      this.#working = null;
    }
  }

  /** Commits the journal's position to the group. */
  async #commitOffset(): Promise<void> {
    const { context, partition, host, tail } = this.#options;
    const nextOffset = host.ledger.facts.nextOffset;
    this.#offsetDue = false;
    if (nextOffset === null || !this.#options.tellsGroup) return;
    this.#toldOffset = nextOffset;
    const { source, journal, failpoints } = context.ports;
    const { seq, hash } = tail();
    const witness = encodeWitness({
      job: context.settings.job,
      journalId: journal.id,
      seq,
      hash,
      nextOffset,
    });
    await passing(failpoints, 'source.commitOffset', () =>
      source.commitOffset(partition, nextOffset, witness, this.#ending.signal),
    );
  }

  #expectHeld(): Promise<void> {
    const { context, partition, tail } = this.#options;
    const { journal, clock } = context.ports;
    const subject = partitionSubject(context.settings.job, partition);
    const ask = heldQuestion({ journal, subject, clock, tail });
    return this.#patiently(ask, {}, 'publishing waits until the journal shows what it has acknowledged');
  }

  async #publishOne({ partId, closedHere, sinceMs }: Pending): Promise<void> {
    if (this.#isOver()) return;
    const { context, host } = this.#options;
    const part = host.ledger.part(partId)?.context;
    if (part === undefined || part.durable === null)
      throw new TidemarkError('INTERNAL', `Pending part file ${partId} has no durable facts.`);
    await this.#untilPublished(part, part.durable, closedHere);
    const remove = (): Promise<void> => context.ports.store.discard(leftBehind(part), null);
    await this.#patiently(remove, { file: part.finalUri }, 'removing temporary files failed; trying again');
    await host.submit(() => [{ type: 'partCommitted', partId }]);
    context.stats.counts.took(context.stats.counts.publishSeconds, sinceMs);
    this.#tellCommitted(part, part.durable);
  }

  #tellCommitted({ finalUri: uri, bucket, roll }: PartFileContext, durable: DurableFacts): void {
    const { context, partition, host } = this.#options;
    const { stats, ports } = context;
    const { records, length: bytes, firstOffset, lastOffset } = durable;
    const rollReason = roll?.reason ?? null;
    stats.fileCommitted({ uri, records, bytes });
    stats.counts.fileCommitted({
      ...{ ...partition, uri, bucket, records, bytes, firstOffset, lastOffset, rollReason },
      committedAtMs: ports.clock.wallMs(),
    });
    const { epoch } = host.ledger.facts;
    const facts = { partition: partitionName(partition), epoch, file: uri, offset: firstOffset };
    ports.log.info({ ...facts, lastOffset, records, bytes, rollReason }, 'file committed');
  }

  async #untilPublished(part: PartFileContext, durable: DurablePart, closedHere: boolean): Promise<void> {
    const { store } = this.#options.context.ports;
    const target: PartTarget = {
      partId: part.partId,
      finalUri: part.finalUri,
      temporaryUri: part.temporaryUri,
    };
    // After a failure the outcome is unknown: only probing both names shows what is still to be done.
    const publish = (attempt: number): Promise<void> =>
      closedHere && attempt === 1
        ? store.commit(target, durable)
        : store.commitAfterRecovery(target, durable);
    await this.#patiently(publish, { file: part.finalUri }, 'publishing a part file failed; trying again');
  }

  /** Retries until the epoch is over. Logs each failure, and raises a condition while retries last. */
  async #patiently(
    attempt: (attempt: number) => Promise<void>,
    fields: { readonly file?: string },
    message: string,
  ): Promise<void> {
    const { context, partition } = this.#options;
    const { clock, log } = context.ports;
    const { conditions } = context.health;
    const key = conditionKey.publish(partition);
    let failures = 0;
    await retrying({
      ...{ clock, end: this.#end, attempt },
      failed: (error, number) => {
        failures = number;
        log.warn({ err: error, ...fields, attempt: number }, message);
        const about = `Publishing files of ${partitionName(partition)}`;
        conditions.raise(key, conditionOf('retried', about, error));
      },
    });
    if (failures > 0) conditions.clear(key);
  }
}

/** Names that may exist beside the file's own: earlier ones, and its rows files. */
function leftBehind({ format, temporaryUri, staleUris }: PartFileContext): readonly string[] {
  const names = withRowsFiles(format, [temporaryUri, ...staleUris]);
  return names.filter((uri) => uri !== temporaryUri);
}
