/** The run that the HTTP interface tells of: what its routes may ask. */
import type { OperatorRequest } from '../../journal/events.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { Coordinator } from '../run/coordinator.ts';
import type { MemoryBudget } from '../system/memoryBudget.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { Log } from '../telemetry/log.ts';
import { EventHub } from './eventHub.ts';
import { HttpProblem } from './problem.ts';

/** A request to the owner of a partition, and what became of it; null while it is only filed. */
export interface FiledOrder {
  readonly partition: TopicPartition;
  readonly requestId: number;
  readonly answer: { readonly type: string; readonly reason?: string } | null;
}

/** What there is once the journal is open. */
export interface OpenRun {
  readonly coordinator: Coordinator;
  readonly memory: Pick<MemoryBudget, 'ceilingBytes' | 'use'>;
  /** Of the whole job: the document of `tidemark status --json`. */
  readonly status: () => Promise<unknown>;
  /** @param waitMs how long to wait for the owner's answer; null: not at all. */
  readonly file: (
    partition: TopicPartition,
    request: OperatorRequest,
    waitMs: number | null,
  ) => Promise<FiledOrder>;
  /** The first offset that the partition does not hold yet; null if the source has not said. */
  readonly endOffset: (partition: TopicPartition) => bigint | null;
}

/** Settings that alerts compare with. */
export interface RunLimits {
  readonly checkpointIntervalMs: number;
  readonly rollMaxAgeMs: number | null;
  readonly rollMaxBytes: number | null;
}

export interface HttpRunOptions {
  readonly job: string;
  readonly version: string;
  readonly limits: RunLimits;
  readonly conditions: Conditions;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export class HttpRun {
  readonly options: HttpRunOptions;
  readonly events = new EventHub();
  #open: OpenRun | null = null;
  #status: Promise<unknown> | null = null;

  constructor(options: HttpRunOptions) {
    this.options = options;
  }

  opened(run: OpenRun): void {
    this.#open = run;
  }

  /** Null while the process waits for its journal. */
  get ifOpen(): OpenRun | null {
    return this.#open;
  }

  /** Throws NOT_YET while the process waits for its journal. */
  get open(): OpenRun {
    if (this.#open !== null) return this.#open;
    throw new HttpProblem('NOT_YET', 'The journal is not open yet: see /readyz.', { 'retry-after': '1' });
  }

  get isDraining(): boolean {
    return this.options.signal.aborted;
  }

  /** One at a time: it asks every dependency. Who comes meanwhile gets the same answer. */
  status(): Promise<unknown> {
    this.#status ??= this.open.status().finally(() => {
      this.#status = null;
    });
    return this.#status;
  }
}
