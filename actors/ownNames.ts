/** Recognizes names of part files that only this job gives: its prefix, one of its topics, a partition, an offset. */
import { encodePathSegment } from '../../actors/pathSegment.ts';
import { GENERATION_BYTES_MAX, TOPIC_BYTES_MAX } from '../../actors/naming.ts';
import type { TopicPartition } from '../../journal/ids.ts';

const NAME = /^(.+)-(\d{1,10})-(\d{20})(?!\d)/;

export class OwnNames {
  /** Topics by the text before the partition's number. */
  readonly #topics = new Map<string, string>();

  constructor(prefixes: Iterable<string>, topics: Iterable<string>) {
    const names = [...topics];
    for (const prefix of prefixes) {
      for (const topic of names) {
        this.#topics.set(`${prefix}-${encodePathSegment(topic, TOPIC_BYTES_MAX)}`, topic);
        // A long topic is shorter in names of later generations.
        const shorter = encodePathSegment(topic, TOPIC_BYTES_MAX - GENERATION_BYTES_MAX);
        this.#topics.set(`${prefix}-${shorter}`, topic);
      }
    }
  }

  /** The partition that gives this name; null if it is none of this job's. */
  partitionOf(uri: string): TopicPartition | null {
    const [, head, number] = NAME.exec(uri.slice(uri.lastIndexOf('/') + 1)) ?? [];
    const topic = head === undefined ? undefined : this.#topics.get(head);
    return topic === undefined ? null : { topic, partition: Number(number) };
  }
}
