/**
 * Handles operator requests for one partition, on behalf of its owner: each is read, decided once, journaled,
 * and answered in the log. A halted partition journals nothing: its answers are in the log and in what this
 * process publishes about itself.
 */
import type { PartitionHost } from './partitionHost.ts';
import type { PartitionEvent } from '../../journal/events.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { OffsetRange, Source } from '../sources/port.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import { isJournalUnreadable } from './journalFailure.ts';
import { jumpTo, type Jump } from './jump.ts';
import { needsRange } from './lossRules.ts';
import type { PartitionTask } from './partitionTask.ts';
import { journalDamaged, planRepair, refusedRepair } from './repair.ts';
import type { Context } from '../job/context.ts';
import {
  decideRequest,
  jumpOf,
  readRequests,
  type FiledRequest,
  type Repaired,
  type SourceSays,
} from './requests.ts';

/** How long a refusal is reported as a condition. `status` shows it until the next request. */
const REFUSAL_TOLD_MS = 600_000;
/** How often to log that requests cannot be read, though reading is retried every second. */
const UNREADABLE_TOLD_MS = 60_000;

export class OperatorDesk {
  readonly #context: Context;
  readonly #task: () => PartitionTask;
  /** The last request that was answered without being journaled; null if there is none. */
  #answeredUnjournaled: number | null = null;
  /** Monotonic: when it was last logged that requests cannot be read. */
  #unreadableToldMs = -Infinity;

  /** @param task as it is then: what the source names may change. */
  constructor(context: Context, task: () => PartitionTask) {
    this.#context = context;
    this.#task = task;
  }

  get #partition(): TopicPartition {
    return this.#task().partition;
  }

  /** Requests that the host has not handled yet. Rejects if the journal is unavailable. */
  untaken({ ledger }: PartitionHost): Promise<readonly FiledRequest[]> {
    const { ports, settings } = this.#context;
    return readRequests(ports.journal, settings.job, this.#partition, ledger.facts.lastRequestId);
  }

  /** Requests after `after`. None while the journal is unavailable or unreadable: they are read later. */
  async filed(after: number): Promise<readonly FiledRequest[]> {
    const { ports, settings } = this.#context;
    try {
      const filed = await readRequests(ports.journal, settings.job, this.#partition, after);
      this.#unreadableToldMs = -Infinity;
      return filed;
    } catch (error) {
      if (!isJournalUnreadable(error)) throw error;
      const nowMs = ports.clock.nowMs();
      if (nowMs - this.#unreadableToldMs < UNREADABLE_TOLD_MS) return [];
      this.#unreadableToldMs = nowMs;
      ports.log.warn({ partition: this.#name, err: error }, 'requests cannot be read; trying again');
      return [];
    }
  }

  /**
   * Requests to a halted partition. `lastRequestId` is null if the journal does not show what was answered
   * before: then only requests that are filed from now on are returned.
   */
  async filedWhileHalted(lastRequestId: number | null): Promise<readonly FiledRequest[]> {
    if (this.#answeredUnjournaled === null) {
      const before = lastRequestId === null ? await this.filed(0) : [];
      this.#answeredUnjournaled = lastRequestId ?? before.at(-1)?.requestId ?? 0;
    }
    return this.filed(Math.max(this.#answeredUnjournaled, lastRequestId ?? 0));
  }

  /** Journals the decision on the request, unless done before. Resolves with whether it was accepted. */
  async take(host: PartitionHost, request: FiledRequest): Promise<boolean> {
    let decided: readonly PartitionEvent[] = [];
    const says = await this.#sourceSays(host, request);
    await host.submit((stage) => {
      decided = request.requestId <= stage.facts.lastRequestId ? [] : decideRequest(stage, request, says);
      return decided;
    });
    const [event] = decided;
    if (event === undefined) return false;
    if (event.type === 'requestRefused') this.refused(request, event.reason);
    else this.accepted(request);
    return event.type !== 'requestRefused';
  }

  async #sourceSays(host: PartitionHost, filed: FiledRequest): Promise<SourceSays> {
    const { source } = this.#context.ports;
    const offset = jumpOf(host.ledger.facts, filed.request);
    const jump = offset === null ? null : await this.#jumpTo(source, offset);
    const repair = await this.#repairFor(host, filed);
    return { range: await this.#rangeFor(host, filed), jump, repair };
  }

  /** A partition that is to be retired is not read again, wherever it is. */
  async #jumpTo(source: Source, nextOffset: bigint): Promise<Jump | string> {
    const { partition, purpose } = this.#task();
    return purpose === 'retire' ? { nextOffset, below: null } : jumpTo(source, partition, nextOffset);
  }

  /** What the destination and the source say to a repair. Null if it is refused without them. */
  async #repairFor(
    host: PartitionHost,
    { requestId, request }: FiledRequest,
  ): Promise<Repaired | string | null> {
    const { facts } = host.ledger;
    if (request?.type !== 'repair' || requestId <= facts.lastRequestId) return null;
    if (refusedRepair(facts) !== null) return null;
    const repairing = { context: this.#context, task: this.#task(), host };
    const plan = await planRepair(repairing, request.notTaken);
    if (typeof plan === 'string') return plan;
    const { entryBytesMax } = this.#context.ports.journal;
    return { event: await journalDamaged(host, requestId, plan, entryBytesMax), jump: plan.jump };
  }

  /** What the source holds, if a loss goes beyond the stop. Null if the source does not answer. */
  async #rangeFor(host: PartitionHost, { request }: FiledRequest): Promise<OffsetRange | null> {
    if (request?.type !== 'acceptLoss' || !needsRange(host.ledger.facts, request)) return null;
    const { source, log } = this.#context.ports;
    try {
      const ranges = await source.ranges(this.#partition.topic);
      return ranges[this.#partition.partition] ?? null;
    } catch (error) {
      log.warn({ partition: this.#name, err: error }, 'what the source holds cannot be read');
      return null;
    }
  }

  /** The requested claim is made and its journal judged: now the request can be journaled. */
  async tookUpAgain(host: PartitionHost, request: FiledRequest): Promise<void> {
    const { requestId } = request;
    await host.submit((stage) =>
      requestId <= stage.facts.lastRequestId ? [] : [{ type: 'resumeRequested', requestId }],
    );
    this.accepted(request);
  }

  accepted(request: FiledRequest): void {
    const { ports, health } = this.#context;
    ports.log.info(this.#fields(request), 'operator request taken up');
    health.conditions.clear(conditionKey.refused(this.#partition));
    health.answered(this.#partition, request.requestId, null);
  }

  refused(request: FiledRequest, reason: string): void {
    const { ports, health } = this.#context;
    ports.log.warn({ ...this.#fields(request), reason }, `operator request refused: ${reason}`);
    const condition = {
      ...({ kind: 'refused', about: this.#name, code: 'REQUEST_REFUSED' } as const),
      message: `request ${request.requestId}: ${reason}`,
      help: 'See `tidemark status` for what would be accepted.',
    };
    health.conditions.raise(conditionKey.refused(this.#partition), condition, REFUSAL_TOLD_MS);
    health.answered(this.#partition, request.requestId, reason);
  }

  /** The request is not read again, though the journal cannot hold the answer. */
  answered({ requestId }: FiledRequest): void {
    this.#answeredUnjournaled = Math.max(this.#answeredUnjournaled ?? 0, requestId);
  }

  get #name(): string {
    return partitionName(this.#partition);
  }

  #fields({ requestId, request }: FiledRequest) {
    return { partition: this.#name, requestId, request };
  }
}
