/** The topics that this process reads: those that the job file names, and those that its patterns have found. */
import type { Brokers } from './brokers.ts';
import { topicsOf, type JobTopics } from './topics.ts';

type Asked = Pick<Brokers, 'everyTopic'>;

export class KnownTopics {
  readonly #job: JobTopics;
  readonly #found = new Set<string>();

  /** @param entries of `source.kafka.topics`. */
  constructor(entries: readonly string[]) {
    this.#job = topicsOf(entries);
  }

  get hasPatterns(): boolean {
    return this.#job.patterns.length > 0;
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
    const found = await this.#look(brokers);
    this.#found.clear();
    for (const topic of found) this.#found.add(topic);
  }

  /** Adds the topics that the patterns find now, and returns them. A topic that is gone stays. */
  async more(brokers: Asked): Promise<readonly string[]> {
    const found = (await this.#look(brokers)).filter((topic) => !this.#found.has(topic));
    for (const topic of found) this.#found.add(topic);
    return found;
  }

  async #look(brokers: Asked): Promise<readonly string[]> {
    const { names, patterns } = this.#job;
    const topics = await brokers.everyTopic();
    return topics
      .filter((topic) => !names.includes(topic) && patterns.some(({ matches }) => matches(topic)))
      .toSorted();
  }
}
