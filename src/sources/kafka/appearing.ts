/**
 * Topics that did not exist when the job's topics were described, or that a look has found since. When the
 * group assigns their partitions, they are first described to the listener, and only then assigned. Other
 * topics do not wait for them.
 */
import type { TopicPartition } from '../../../journal/ids.ts';
import type { Clock } from '../../system/clock.ts';
import type { SourceListener, TopicFacts } from '../port.ts';
import { missingMessage } from './describe.ts';
import { reasonOf } from './errors.ts';
import type { SourceLog } from './options.ts';
import { pauseUnless } from '../../system/pacing.ts';
import { waitFor, type Waits } from './waits.ts';

export interface AppearingContext {
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly signal: AbortSignal;
  readonly listener: SourceListener;
  readonly waits: Waits;
  readonly pollMs: number;
  /** Patterns that match no topic. */
  readonly unmatched: () => readonly string[];
  /** The topics of these that exist. */
  readonly look: (topics: readonly string[]) => Promise<readonly TopicFacts[]>;
}

export class AppearingTopics {
  readonly #context: AppearingContext;
  readonly #missing: Set<string>;
  /** Found by a look, and not described yet. */
  readonly #found = new Set<string>();
  #assignments = 0;
  /** The last assignment, with the partitions of topics that were left out. */
  #last: Parameters<AppearingTopics['assigned']> = [[], []];

  constructor(context: AppearingContext, missing: readonly string[]) {
    this.#context = context;
    this.#missing = new Set(missing);
    this.#tellMissing();
  }

  /** A look has found these topics: they are about to be assigned, or are already if they were left out. */
  found(topics: readonly string[]): void {
    for (const topic of topics) this.#found.add(topic);
    this.#tellMissing();
    const [partitions, unnamed] = this.#last;
    if (partitions.some(({ topic }) => this.#found.has(topic))) this.assigned(partitions, unnamed);
  }

  assigned(partitions: readonly TopicPartition[], unnamed: readonly TopicPartition[]): void {
    this.#assignments += 1;
    this.#last = [partitions, unnamed];
    const known = partitions.filter(({ topic }) => !this.#isNew(topic));
    this.#context.listener.assigned(known, unnamed);
    if (known.length < partitions.length) void this.#announce(partitions, unnamed, this.#assignments);
  }

  async #announce(
    partitions: readonly TopicPartition[],
    unnamed: readonly TopicPartition[],
    assignment: number,
  ): Promise<void> {
    const { look, log, listener, clock, signal, pollMs } = this.#context;
    const isCurrent = (): boolean => assignment === this.#assignments && !signal.aborted;
    while (isCurrent()) {
      const names = new Set(partitions.map(({ topic }) => topic).filter((topic) => this.#isNew(topic)));
      if (names.size === 0) {
        listener.assigned(partitions, unnamed);
        return;
      }
      try {
        const found = await look([...names]);
        if (!isCurrent()) return;
        for (const facts of found) {
          this.#missing.delete(facts.topic);
          this.#found.delete(facts.topic);
          log.info({ topic: facts.topic }, `Topic ${facts.topic} exists now.`);
          listener.topicAppeared(facts);
        }
        this.#tellMissing();
        if (found.length < names.size) await pauseUnless(signal, clock, pollMs);
      } catch (error) {
        log.debug({}, `The topics that have appeared cannot be described yet: ${reasonOf(error)}`);
        await pauseUnless(signal, clock, pollMs);
      }
    }
  }

  #isNew(topic: string): boolean {
    return this.#missing.has(topic) || this.#found.has(topic);
  }

  #tellMissing(): void {
    const { waits } = this.#context;
    const unmatched = this.#context.unmatched();
    if (this.#missing.size + unmatched.length > 0)
      waits.lasts(waitFor.topics(), missingMessage([...this.#missing], unmatched));
    else waits.over(waitFor.topics());
  }
}
