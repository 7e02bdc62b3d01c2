/** Recognizes names of part files that only this job gives: its prefix, one of its topics, a partition, an offset. */
import { encodePathSegment } from '../../actors/pathSegment.ts';
import { GENERATION_BYTES_MAX, TOPIC_BYTES_MAX } from '../../actors/naming.ts';

const NAME = /^(.+)-(\d{1,10})-(\d{20})(?!\d)/;

export class OwnNames {
  readonly #heads = new Set<string>();

  constructor(prefixes: Iterable<string>, topics: Iterable<string>) {
    const names = [...topics];
    for (const prefix of prefixes) {
      for (const topic of names) {
        this.#heads.add(`${prefix}-${encodePathSegment(topic, TOPIC_BYTES_MAX)}`);
        // A long topic is shorter in names of later generations.
        this.#heads.add(`${prefix}-${encodePathSegment(topic, TOPIC_BYTES_MAX - GENERATION_BYTES_MAX)}`);
      }
    }
  }

  /** Whether the file's name is one of this job's. */
  has(uri: string): boolean {
    const [, head] = NAME.exec(uri.slice(uri.lastIndexOf('/') + 1)) ?? [];
    return head !== undefined && this.#heads.has(head);
  }
}
