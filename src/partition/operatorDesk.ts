/**
 * What operators ask of one partition, as its owner takes it up: read, decided once, journaled, and answered in the log. A halted partition
 * journals nothing: its answers stand in the log and in what this process tells of itself.
 */
import type { PartitionHost } from './decisionLane.ts';
import { hasCode } from '../../journal/errors.ts';
import type { PartitionEvent } from '../../journal/events.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { OffsetRange } from '../sources/port.ts';
import { conditionKey } from '../job/conditionKeys.ts';
import { needsRange } from './lossRules.ts';
import type { Context } from '../job/options.ts';
import { decideRequest, readRequests, type FiledRequest } from './requests.ts';

/** For so long a refusal is told again; `status` shows it until the next request. */
const REFUSAL_TOLD_MS = 600_000;
/** That requests cannot be read is told so often, though it is tried each second. */
const UNREADABLE_TOLD_MS = 60_000;
/** Nothing can be asked of the partition then, until the journal is there again. */
const UNREADABLE = [
  'JOURNAL_UNAVAILABLE',
  'JOURNAL_CORRUPT',
  'JOURNAL_REPLACED',
  'JOURNAL_ROLLED_BACK',
] as const;

export class OperatorDesk {
  readonly #context: Context;
  readonly #partition: TopicPartition;
  /** The last request that was answered without being journaled; null where none was. */
  #answeredUnjournaled: number | null = null;
  /** Monotonic: when it was told last that requests cannot be read. */
  #unreadableToldMs = -Infinity;

  constructor(context: Context, partition: TopicPartition) {
    this.#context = context;
    this.#partition = partition;
  }

  /** Requests that the host has not taken up yet; rejects where the journal is away. */
  untaken({ ledger }: PartitionHost): Promise<readonly FiledRequest[]> {
    const { ports, settings } = this.#context;
    return readRequests(ports.journal, settings.job, this.#partition, ledger.facts.lastRequestId);
  }

  /** Requests behind `after`. None while the journal is away, or cannot be read: they are read later. */
  async filed(after: number): Promise<readonly FiledRequest[]> {
    const { ports, settings } = this.#context;
    try {
      const filed = await readRequests(ports.journal, settings.job, this.#partition, after);
      this.#unreadableToldMs = -Infinity;
      return filed;
    } catch (error) {
      if (!hasCode(error, ...UNREADABLE)) throw error;
      const nowMs = ports.clock.nowMs();
      if (nowMs - this.#unreadableToldMs < UNREADABLE_TOLD_MS) return [];
      this.#unreadableToldMs = nowMs;
      ports.log.warn({ partition: this.#name, err: error }, 'requests cannot be read; trying again');
      return [];
    }
  }

  /**
   * Requests to a halted partition. `lastRequestId` is null where the journal does not tell what was answered before: then only those
   * count that are filed from now on.
   */
  async filedWhileHalted(lastRequestId: number | null): Promise<readonly FiledRequest[]> {
    if (this.#answeredUnjournaled === null) {
      const before = lastRequestId === null ? await this.filed(0) : [];
      this.#answeredUnjournaled = lastRequestId ?? before.at(-1)?.requestId ?? 0;
    }
    return this.filed(Math.max(this.#answeredUnjournaled, lastRequestId ?? 0));
  }

  /** Journals what is decided on the request, where that was not done before, and tells whether it was accepted. */
  async take(host: PartitionHost, request: FiledRequest): Promise<boolean> {
    let decided: readonly PartitionEvent[] = [];
    const range = await this.#rangeFor(host, request);
    await host.submit((stage) => {
      decided = request.requestId <= stage.facts.lastRequestId ? [] : decideRequest(stage, request, range);
      return decided;
    });
    const [event] = decided;
    if (event === undefined) return false;
    if (event.type === 'requestRefused') this.refused(request, event.reason);
    else this.accepted(request);
    return event.type !== 'requestRefused';
  }

  /** What the source holds, where a loss reaches further than the stop says; null where it does not answer. */
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

  /** The claim that an operator asked for has been made and its journal judged: now that can be journaled. */
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

  /** For good: it is not read again, though the journal cannot hold the answer. */
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
