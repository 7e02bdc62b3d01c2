/**
 * What operators ask of one partition, as its owner takes it up: read, decided once, journaled, and answered in the log. A halted partition
 * journals nothing: its answers stand in the log and in what this process tells of itself.
 */
import type { PartitionHost } from '../../actors/host.ts';
import { hasCode } from '../../journal/errors.ts';
import type { PartitionEvent } from '../../journal/events.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { Context } from './options.ts';
import { decideRequest, readRequests, type FiledRequest } from './requests.ts';

export class OperatorDesk {
  readonly #context: Context;
  readonly #partition: TopicPartition;
  /** The last request that was answered without being journaled; null where none was. */
  #answeredUnjournaled: number | null = null;

  constructor(context: Context, partition: TopicPartition) {
    this.#context = context;
    this.#partition = partition;
  }

  /** Requests behind `after`. None while the journal is away, or cannot be read: they are read later. */
  async filed(after: number): Promise<readonly FiledRequest[]> {
    const { ports, settings } = this.#context;
    try {
      return await readRequests(ports.journal, settings.job, this.#partition, after);
    } catch (error) {
      if (!hasCode(error, 'JOURNAL_UNAVAILABLE', 'JOURNAL_CORRUPT', 'JOURNAL_REPLACED')) throw error;
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
    await host.submit((stage) => {
      decided = request.requestId <= stage.facts.lastRequestId ? [] : decideRequest(stage, request);
      return decided;
    });
    const [event] = decided;
    if (event === undefined) return false;
    if (event.type === 'requestRefused') this.refused(request, event.reason);
    else this.#context.ports.log.info(this.#fields(request), 'operator request taken up');
    return event.type !== 'requestRefused';
  }

  /** The claim that an operator asked for has been made and its journal judged: now that can be journaled. */
  async tookUpAgain(host: PartitionHost, request: FiledRequest): Promise<void> {
    const { requestId } = request;
    await host.submit((stage) =>
      requestId <= stage.facts.lastRequestId ? [] : [{ type: 'resumeRequested', requestId }],
    );
    this.#context.ports.log.info(this.#fields(request), 'operator request taken up');
  }

  accepted(request: FiledRequest): void {
    this.#context.ports.log.info(this.#fields(request), 'operator request taken up');
  }

  refused(request: FiledRequest, reason: string): void {
    this.#context.ports.log.warn({ ...this.#fields(request), reason }, `operator request refused: ${reason}`);
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
