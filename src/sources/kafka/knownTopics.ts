/**
 * The topics that this process reads: those that the job file names, and those that its patterns have found.
 */
import type { Brokers } from './brokers.ts';
import { topicsOf, type JobTopics } from './topics.ts';

type Asked = Pick<Brokers, 'everyTopic'>;

export class KnownTopics {
  readonly #job: JobTopics;
  readonly #found = new Set<string>();
  /** Named, and to be told again. */
  readonly #leftOut = new Set<string>();

  /** @param entries of `source.kafka.topics`. */
  constructor(entries: readonly string[]) {
    this.#job = topicsOf(entries);
  }

  get hasPatterns(): boolean {
    return this.#job.patterns.length > 0;
  }

  /** Whether there may be topics to tell. */
  get hasToLook(): boolean {
    return this.hasPatterns || this.#leftOut.size > 0;
  }

  list(): readonly string[] {
    return [...this.#job.names, ...this.#found];
  }

  /** Found by a pattern, and not named. */
  isMatched(topic: string): boolean {
    return this.#found.has(topic);
  }

  /** The patterns that have found no topic, and that match no name of the job file. */
  unmatched(): readonly string[] {
    const known = this.list();
    return this.#job.patterns.filter(({ matches }) => !known.some(matches)).map(({ text }) => text);
  }

  /** Begins anew with what the patterns find now. */
  async refresh(brokers: Asked): Promise<void> {
    if (!this.hasPatterns) return;
    const found = this.#matching(await brokers.everyTopic());
    this.#found.clear();
    for (const topic of found) this.#found.add(topic);
  }

  /**
   * Adds the topics that the patterns find now, and returns them, with those that were left out and exist. A
   * topic that is gone stays.
   */
  async more(brokers: Asked): Promise<readonly string[]> {
    const topics = await brokers.everyTopic();
    const found = this.#matching(topics).filter((topic) => !this.#found.has(topic));
    for (const topic of found) this.#found.add(topic);
    const again = [...this.#leftOut].filter((topic) => topics.includes(topic));
    for (const topic of again) this.#leftOut.delete(topic);
    return [...again, ...found];
  }

  /** The topic is not read for now: the next look tells it again. */
  leaveOut(topic: string): void {
    if (this.#job.names.includes(topic)) this.#leftOut.add(topic);
    else this.#found.delete(topic);
  }

  #matching(topics: readonly string[]): readonly string[] {
    const { names, patterns } = this.#job;
    return topics
      .filter((topic) => !names.includes(topic) && patterns.some(({ matches }) => matches(topic)))
      .toSorted();
  }
}
