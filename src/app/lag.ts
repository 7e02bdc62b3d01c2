/** How far the cursors lag behind the source. Requested in the background, never waited for. */
import type { TopicPartition } from '../../journal/ids.ts';
import type { OffsetRange, Source } from '../sources/port.ts';

const ASK_INTERVAL_MS = 2_000;

export interface Position {
  readonly partition: TopicPartition;
  readonly nextOffset: bigint;
}

/**
 * Records between a position and the end of its partition; gaps in the offsets count, as in every Kafka tool.
 */
export function lagOf(position: Position, ranges: readonly OffsetRange[] | undefined): bigint | null {
  const range = ranges?.[position.partition.partition];
  if (range === undefined) return null;
  return range.endOffset > position.nextOffset ? range.endOffset - position.nextOffset : 0n;
}

export class LagMeter {
  readonly #source: Source;
  readonly #ranges = new Map<string, readonly OffsetRange[]>();
  #askedAtMs = -Infinity;

  constructor(source: Source) {
    this.#source = source;
  }

  /** The sum, from the source's last answers; null until it has answered. */
  of(positions: readonly Position[]): bigint | null {
    this.#ask(positions);
    let sum = 0n;
    for (const position of positions) {
      const lag = lagOf(position, this.#ranges.get(position.partition.topic));
      if (lag === null) return null;
      sum += lag;
    }
    return positions.length === 0 ? null : sum;
  }

  /** Of the source's last answer: the first offset that the partition does not hold yet. Null if unknown. */
  endOffset({ topic, partition }: TopicPartition): bigint | null {
    return this.#ranges.get(topic)?.[partition]?.endOffset ?? null;
  }

  #ask(positions: readonly Position[]): void {
    const nowMs = performance.now();
    if (nowMs - this.#askedAtMs < ASK_INTERVAL_MS) return;
    this.#askedAtMs = nowMs;
    for (const topic of new Set(positions.map(({ partition }) => partition.topic))) {
      this.#source.ranges(topic).then(
        (ranges) => this.#ranges.set(topic, ranges),
        // Lag is only displayed: a source that does not answer is reported elsewhere.
        () => this.#ranges.delete(topic),
      );
    }
  }
}
