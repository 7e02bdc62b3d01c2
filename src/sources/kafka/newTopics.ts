/** Looks for topics that the patterns match and that were not there before, or that were left out. */
import type { Clock } from '../../system/clock.ts';
import { pauseUnless } from '../../system/pacing.ts';
import type { Brokers } from './brokers.ts';
import { reasonOf } from './errors.ts';
import type { KnownTopics } from './knownTopics.ts';
import type { SourceLog } from './options.ts';
import { waitFor, type Waits } from './waits.ts';

export interface NewTopicsContext {
  readonly brokers: Pick<Brokers, 'everyTopic'>;
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly signal: AbortSignal;
  readonly known: KnownTopics;
  readonly waits: Waits;
  /** How often to look. */
  readonly intervalMs: number;
  readonly found: (topics: readonly string[]) => void;
}

/** Looks until the signal is aborted. A failed look is retried with the next one. Never rejects. */
export async function lookForNewTopics(context: NewTopicsContext): Promise<void> {
  const { brokers, clock, log, signal, known, waits, intervalMs } = context;
  const wait = waitFor.newTopics();
  for (let failures = 0; ;) {
    await pauseUnless(signal, clock, intervalMs);
    if (signal.aborted) break;
    if (!known.hasToLook) continue;
    try {
      const topics = await known.more(brokers);
      failures = 0;
      waits.over(wait);
      if (topics.length === 0) continue;
      log.info({ topics }, `Found topics to take up: ${topics.join(', ')}.`);
      context.found(topics);
    } catch (error) {
      if (signal.aborted as boolean) break;
      failures += 1;
      const message = `New topics cannot be looked for yet: ${reasonOf(error)}`;
      waits.failed(wait, failures, { failures }, message);
    }
  }
}
