/** A journal of one partition that acknowledges, or fails, when the test says so. */
import type { EntryAppender } from '../../../src/partition/partitionHost.ts';
import type { PartitionEvent } from '../../../journal/events.ts';

interface Held {
  readonly events: readonly PartitionEvent[];
  readonly acknowledge: () => void;
  readonly fail: (error: unknown) => void;
}

export class HeldAppender implements EntryAppender {
  readonly entryBytesMax: number;
  /** Every entry that was asked to be appended, in order. */
  readonly entries: (readonly PartitionEvent[])[] = [];
  inFlightMax = 0;
  readonly #held: Held[] = [];
  readonly #bytesOf: (event: PartitionEvent) => number;

  constructor(options: { entryBytesMax?: number; bytesOf?: (event: PartitionEvent) => number } = {}) {
    this.entryBytesMax = options.entryBytesMax ?? 1_000_000;
    this.#bytesOf = options.bytesOf ?? (() => 1);
  }

  get inFlight(): number {
    return this.#held.length;
  }

  append(events: readonly PartitionEvent[]): Promise<void> {
    this.entries.push(events);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#held.push({ events, acknowledge: () => resolve(undefined), fail: reject });
    this.inFlightMax = Math.max(this.inFlightMax, this.#held.length);
    return promise;
  }

  measure(events: readonly PartitionEvent[]): number {
    return events.reduce((bytes, event) => bytes + this.#bytesOf(event), 0);
  }

  /** Answers the append in flight. */
  acknowledge(): void {
    this.#taken().acknowledge();
  }

  fail(error: unknown): void {
    this.#taken().fail(error);
  }

  #taken(): Held {
    const held = this.#held.shift();
    if (held === undefined) throw new Error('Nothing is in flight.');
    return held;
  }
}

/** Lets everything run that waits for nothing but the event loop. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
