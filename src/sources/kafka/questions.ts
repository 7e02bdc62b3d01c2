/** Queries to the cluster that end in bounded time, and fresh queries of the identity of a topic. */
import { TidemarkError } from '../../../journal/errors.ts';
import type { Clock } from '../../system/clock.ts';
import { isAuthenticationFailure } from './client/errors.ts';
import { abortError, authenticationError, reasonOf, unavailableError } from './errors.ts';
import { pauseUnless, retryDelayMs } from '../../system/pacing.ts';
import { waitFor, type Waits } from './waits.ts';

export interface AskContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly addresses: readonly string[];
  readonly waits: Waits;
}

/**
 * Asks until there is an answer; after `limitMs` rejects with SOURCE_UNAVAILABLE. `retried` gets each
 * failure.
 */
export function askUntil<T>(
  { clock, signal, addresses, waits }: AskContext,
  doing: string,
  limitMs: number,
  question: () => Promise<T>,
  retried: (error: unknown) => void = () => undefined,
): Promise<T> {
  const wait = waitFor.answer(doing);
  return waits.during(wait, async () => {
    const startedMs = clock.nowMs();
    for (let failures = 1; ; failures += 1) {
      try {
        if (signal.aborted) throw abortError('The Kafka source');
        return await question();
      } catch (error) {
        if (signal.aborted) throw abortError('The Kafka source');
        if (error instanceof TidemarkError) throw error;
        if (isAuthenticationFailure(error)) throw authenticationError(error, addresses);
        if (clock.nowMs() - startedMs >= limitMs) throw unavailableError(error, addresses, doing);
        retried(error);
        waits.lasts(wait, `Kafka does not tell the ${doing} yet: ${reasonOf(error)}`);
        await pauseUnless(signal, clock, retryDelayMs(failures));
      }
    }
  });
}

/** Shares answers: each call is answered by a run that began after it. At most one runs, and one waits. */
export class Coalesced<T> {
  readonly #ask: () => Promise<T>;
  #running: Promise<T> | null = null;
  #following: Promise<T> | null = null;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  call(): Promise<T> {
    if (this.#running === null) return this.#start();
    this.#following ??= this.#running.then(
      () => this.#follow(),
      () => this.#follow(),
    );
    return this.#following;
  }

  #follow(): Promise<T> {
    this.#following = null;
    return this.#start();
  }

  #start(): Promise<T> {
    const run = this.#ask().finally(() => {
      if (this.#running === run) this.#running = null;
    });
    this.#running = run;
    return run;
  }
}
