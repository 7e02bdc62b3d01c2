/**
 * Recognizes names of part files that only this job gives: its prefix, one of its topics, a partition, an
 * offset.
 */
import type { TopicPartition } from '../journal/ids.ts';
import { GENERATION_BYTES_MAX, REPAIR_BYTES_MAX, TOPIC_BYTES_MAX } from './naming.ts';
import { encodePathSegment } from './pathSegment.ts';

const NAME = /^(.+)-(\d{1,10})-(\d{20})(?!\d)/;

export class OwnNames {
  /** Topics by the text before the partition's number. */
  readonly #topics = new Map<string, string>();

  constructor(prefixes: Iterable<string>, topics: Iterable<string>) {
    const names = [...topics];
    for (const prefix of prefixes) {
      for (const topic of names)
        for (const segment of segmentsOf(topic)) this.#topics.set(`${prefix}-${segment}`, topic);
    }
  }

  /** The partition that gives this name; null if it is none of this job's. */
  partitionOf(uri: string): TopicPartition | null {
    const { head, number } = partsOf(uri);
    const topic = this.#topics.get(head);
    return topic === undefined ? null : { topic, partition: Number(number) };
  }

  /**
   * Whether it can be a file of the partition, also with a prefix that nobody remembers: a lost journal took
   * the former ones with it. False for names of the job's other topics.
   */
  mayBeOf(uri: string, { topic, partition }: TopicPartition): boolean {
    const { head, number } = partsOf(uri);
    if (number !== String(partition)) return false;
    const known = this.#topics.get(head);
    if (known !== undefined) return known === topic;
    return segmentsOf(topic).some((segment) => head.endsWith(`-${segment}`));
  }
}

/** What precedes the partition's number in a part file's name, and the number; empty for any other name. */
function partsOf(uri: string): { readonly head: string; readonly number: string } {
  const [, head = '', number = ''] = NAME.exec(uri.slice(uri.lastIndexOf('/') + 1)) ?? [];
  return { head, number };
}

/** A long topic is shorter in names of later generations, and of repairs. */
const segmentsOf = (topic: string): readonly string[] =>
  [0, GENERATION_BYTES_MAX, REPAIR_BYTES_MAX, GENERATION_BYTES_MAX + REPAIR_BYTES_MAX].map((less) =>
    encodePathSegment(topic, TOPIC_BYTES_MAX - less),
  );
