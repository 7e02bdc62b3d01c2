/**
 * Waiting at the start for what may be away. A service waits for ever and says once a minute what for; a bounded run gives up after its
 * `startup.timeout`. What is refused (configuration, a secret) is waited for by neither.
 */
import { TidemarkError, type ErrorCode } from '../journal/errors.ts';
import type { Clock } from './clock.ts';
import { within } from './bounded.ts';
import type { Log } from './telemetry/log.ts';

const RETRY_MS = 1_000;
/** What answers sooner is no wait that anybody wants to read of. */
const FIRST_TOLD_MS = 5_000;
const REPEAT_MS = 60_000;

export interface PatienceOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the wait: who waits gets an AbortError. */
  readonly signal: AbortSignal;
  /** Null: for ever. Else from the first wait on, for all of them together. */
  readonly limitMs: number | null;
}

export interface Awaited<T> {
  /** What is waited for, as a sentence goes on: `the journal`. */
  readonly what: string;
  /** Of the error where it does not answer at all. */
  readonly code: ErrorCode;
  /** Tried again after transient errors. */
  readonly work: () => Promise<T>;
}

interface Wait {
  readonly what: string;
  /** Of the last failure. */
  reason: string | null;
}

export class Patience {
  readonly #options: PatienceOptions;
  readonly #startedMs: number;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  /** Rejects with the last error, or one of `code`, where patience is over; at once where trying again cannot help. */
  async until<T>({ what, code, work }: Awaited<T>): Promise<T> {
    const { signal, clock } = this.#options;
    const wait: Wait = { what, reason: null };
    const told = this.#tellOf(wait);
    try {
      for (;;) {
        signal.throwIfAborted();
        try {
          return await this.#limited(work(), wait, code);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof TidemarkError) || error.retry !== 'transient' || this.#leftMs <= RETRY_MS)
            throw error;
          if (wait.reason === null)
            this.#options.log.warn({ err: error }, `waiting for ${what}: trying again`);
          wait.reason = error.message;
          await clock.pause(RETRY_MS);
        }
      }
    } finally {
      told.cancel();
    }
  }

  get #leftMs(): number {
    const { limitMs, clock } = this.#options;
    return limitMs === null ? Infinity : Math.max(0, this.#startedMs + limitMs - clock.nowMs());
  }

  /** The work may hang without an error, as a network disk does. */
  async #limited<T>(work: Promise<T>, { what, reason }: Wait, code: ErrorCode): Promise<T> {
    const { clock, limitMs } = this.#options;
    if (limitMs === null) return work;
    const done = work.then((value) => ({ value }));
    let answer: { readonly value: T } | null = null;
    await within(
      clock,
      this.#leftMs,
      done.then((found) => {
        answer = found;
      }),
    );
    const found = answer as { readonly value: T } | null;
    if (found !== null) return found.value;
    const message = `Waited for ${what} for ${limitMs} ms (startup.timeout), in vain.${reason === null ? '' : ` ${reason}`}`;
    throw new TidemarkError(code, message, { fields: { limitMs } });
  }

  #tellOf(wait: Wait): { cancel(): void } {
    const { clock, log } = this.#options;
    const startedMs = clock.nowMs();
    let timer: { cancel(): void };
    const tell = (): void => {
      const waitedS = Math.round((clock.nowMs() - startedMs) / 1_000);
      const { what, reason } = wait;
      log.warn({ waitedS }, `still waiting for ${what}${reason === null ? '' : `: ${reason}`}`);
      timer = clock.timer(REPEAT_MS, tell);
    };
    timer = clock.timer(FIRST_TOLD_MS, tell);
    return { cancel: () => timer.cancel() };
  }
}
