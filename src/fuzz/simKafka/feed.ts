/** One partition as a process reads it: fetches need no group, so that a former owner goes on reading. */
import { TidemarkError } from '../../../journal/errors.ts';
import type { FetchedBatch, PartitionFeed } from '../../source/port.ts';
import type { SimProcess } from '../process.ts';
import { toFetchedBatch, type UnpackWait } from './cursor.ts';
import type { Fetched, PartitionLog } from './partitionLog.ts';

export interface FeedContext {
  readonly process: SimProcess;
  /** As it is now: it may be replaced. */
  readonly log: () => PartitionLog;
  readonly batchesMax: number;
  readonly unpackWait: UnpackWait;
  readonly ask: <T>(question: () => T) => Promise<T>;
}

export class SimFeed implements PartitionFeed {
  readonly #context: FeedContext;
  #offset: number;
  #closed = false;
  #waiting: { resolve: (batch: FetchedBatch) => void; reject: (error: unknown) => void } | null = null;

  constructor(context: FeedContext, offset: bigint) {
    this.#context = context;
    this.#offset = Number(offset);
  }

  next(): Promise<FetchedBatch> {
    if (this.#waiting !== null) return Promise.reject(new Error('next() is already waiting'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#closed) this.#reject(abortError('The feed'));
      else void this.#fetch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#reject(abortError('The feed'));
  }

  async #fetch(): Promise<void> {
    const { process, log: current, ask, batchesMax } = this.#context;
    const { scheduler } = process;
    const size = 1 + process.chance.below(batchesMax);
    const offset = this.#offset;
    const fetched = await ask((): Fetched | TidemarkError | null => {
      const log = current();
      if (offset < log.startOffset) return rangeLost(log, offset);
      if (offset > log.endAt(scheduler.nowMs)) return beyondEnd(log, offset, scheduler.nowMs);
      const found = log.fetch(offset, size, scheduler.nowMs);
      if (found === null) {
        log.whenChanged(() => {
          scheduler.after(process.drawFare().backMs, process, () => {
            if (this.#waiting !== null) void this.#fetch();
          });
        });
      }
      return found;
    });
    const waiting = this.#waiting;
    if (waiting === null || fetched === null) return;
    if (fetched instanceof TidemarkError) {
      this.#reject(fetched);
      return;
    }
    this.#waiting = null;
    this.#offset = fetched.nextOffset;
    waiting.resolve(toFetchedBatch(offset, fetched, this.#context.unpackWait));
  }

  #reject(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }
}

function beyondEnd({ partition }: PartitionLog, offset: number, endOffset: number): TidemarkError {
  return new TidemarkError(
    'SOURCE_BEYOND_END',
    `The log of partition ${partition} ends at ${endOffset}, before offset ${offset}: the topic was truncated or recreated.`,
    { fields: { fromOffset: BigInt(offset) } },
  );
}

function rangeLost({ partition, startOffset }: PartitionLog, offset: number): TidemarkError {
  return new TidemarkError(
    'SOURCE_RANGE_LOST',
    `Kafka no longer holds offsets ${offset} to ${startOffset - 1} of partition ${partition}.`,
    { fields: { fromOffset: BigInt(offset), toOffset: BigInt(startOffset) } },
  );
}

/** What a call that waits ends with when its source or feed is closed. */
export function abortError(what: string): DOMException {
  return new DOMException(`${what} was closed`, 'AbortError');
}
