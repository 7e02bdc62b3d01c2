/**
 * The topics of the world: one, or a second one that has the last of its partitions. Partition numbers are
 * unique in the whole world, so those of the second topic do not begin at 0.
 */
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { Workload } from '../schedule.ts';

const SECOND = 'letters';

export class SimTopics {
  readonly first: string;
  readonly #partitions: number;
  /** How many of the last partitions belong to the second topic. */
  readonly #ofSecond: number;
  #isDeleted = false;
  /** Places whose configuration names only the first topic. */
  readonly #withoutSecond = new Set<number>();

  constructor({ topic, partitions, second = 0 }: Workload) {
    this.first = topic;
    this.#partitions = partitions.length;
    this.#ofSecond = Math.min(second, partitions.length - 1);
  }

  get hasSecond(): boolean {
    return this.#ofSecond > 0;
  }

  get partitions(): number {
    return this.#partitions;
  }

  of(partition: number): string {
    return partition < this.#partitions - this.#ofSecond ? this.first : SECOND;
  }

  at(partition: number): TopicPartition {
    return { topic: this.of(partition), partition };
  }

  /** Numbers of the topic's partitions; empty if it does not exist. */
  numbersOf(topic: string): readonly number[] {
    if (!this.exists(topic)) return [];
    return Array.from({ length: this.#partitions }, (_, partition) => partition).filter(
      (partition) => this.of(partition) === topic,
    );
  }

  exists(topic: string): boolean {
    return topic === this.first || (topic === SECOND && this.hasSecond && !this.#isDeleted);
  }

  /** What the configuration of a place names. */
  subscribedAt(place: number): readonly string[] {
    return this.hasSecond && !this.#withoutSecond.has(place) ? [this.first, SECOND] : [this.first];
  }

  /** The next process in the place has another configuration. */
  configure(place: number, withSecond: boolean): void {
    if (withSecond) this.#withoutSecond.delete(place);
    else this.#withoutSecond.add(place);
  }

  /** Returns the partitions that are gone. */
  deleteSecond(): readonly number[] {
    const gone = this.numbersOf(SECOND);
    this.#isDeleted = true;
    return gone;
  }

  get ofSecond(): readonly number[] {
    return Array.from({ length: this.#ofSecond }, (_, index) => this.#partitions - this.#ofSecond + index);
  }

  /** Nobody reads it any more: its topic is gone, or no process of these places names it. */
  isUnread(partition: number, places: readonly number[]): boolean {
    const topic = this.of(partition);
    return !this.exists(topic) || !places.some((place) => this.subscribedAt(place).includes(topic));
  }

  /** Whether the names include every partition of the world, even those of a deleted topic. */
  isAllOf(names: ReadonlySet<string>): boolean {
    for (let partition = 0; partition < this.#partitions; partition += 1)
      if (!names.has(partitionName(this.at(partition)))) return false;
    return true;
  }
}
