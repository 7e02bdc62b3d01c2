/**
 * Waits at the start for dependencies that do not answer. A service waits for ever, as a condition that is
 * logged once a minute. A bounded run gives up after its `startup.timeout`. Neither waits after a refusal
 * (configuration, a secret).
 */
import { ERROR_CODES, TidemarkError, type ErrorCode } from '../../journal/errors.ts';
import type { Clock } from '../system/clock.ts';
import type { Conditions } from './conditions.ts';
import { within } from '../system/bounded.ts';
import type { Log } from './log.ts';

const RETRY_MS = 1_000;
/** A shorter wait is not worth a log line. */
const FIRST_TOLD_MS = 5_000;

export interface PatienceOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly conditions: Conditions;
  /** Ends the wait; the caller gets an AbortError. */
  readonly signal: AbortSignal;
  /** Null: for ever. Else the limit for all waits together, from the first one on. */
  readonly limitMs: number | null;
}

export interface Awaited<T> {
  /** What is waited for, as part of a sentence: `the journal`. */
  readonly what: string;
  /** Code of the error if it does not answer at all. */
  readonly code: ErrorCode;
  /** Retried after transient errors. */
  readonly work: () => Promise<T>;
}

interface Wait {
  readonly what: string;
  readonly code: ErrorCode;
  /** Message of the last failure. */
  reason: string | null;
  /** Whether the wait has lasted long enough to be logged. */
  isTold: boolean;
}

export class Patience {
  readonly #options: PatienceOptions;
  readonly #startedMs: number;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  /**
   * Rejects with the last error, or one of `code`, when patience is over. Rejects at once if a retry cannot
   * help.
   */
  async until<T>({ what, code, work }: Awaited<T>): Promise<T> {
    const { signal, clock } = this.#options;
    const wait: Wait = { what, code, reason: null, isTold: false };
    const told = this.#tellOf(wait);
    try {
      for (;;) {
        signal.throwIfAborted();
        try {
          return await this.#limited(work(), wait);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof TidemarkError) || !isAway(error) || this.#leftMs <= RETRY_MS) throw error;
          if (wait.reason === null)
            this.#options.log.warn({ err: error }, `waiting for ${what}: trying again`);
          wait.reason = error.message;
          if (wait.isTold) this.#raise(wait);
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

  /** The work may hang without an error, as on a network disk. */
  async #limited<T>(work: Promise<T>, { what, code, reason }: Wait): Promise<T> {
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
    const known = this.#whatElse(what, code);
    const why = reason ?? known.message;
    const message =
      `Waited for ${what} for ${limitMs} ms (startup.timeout), in vain.` + (why === null ? '' : ` ${why}`);
    throw new TidemarkError(known.code, message, { fields: { limitMs } });
  }

  /** A condition that the work itself waits for says more than that the work does not return. */
  #whatElse(what: string, code: ErrorCode): { readonly code: ErrorCode; readonly message: string | null } {
    for (const { about, code: found, message } of this.#options.conditions.list())
      if (about !== what && isErrorCode(found)) return { code: found, message };
    return { code, message: null };
  }

  #tellOf(wait: Wait): { cancel(): void } {
    const { clock, log, conditions } = this.#options;
    const timer = clock.timer(FIRST_TOLD_MS, () => {
      wait.isTold = true;
      log.warn({ waitedS: Math.round(FIRST_TOLD_MS / 1_000) }, messageOf(wait));
      this.#raise(wait);
    });
    return {
      cancel: () => {
        timer.cancel();
        conditions.clear(keyOf(wait));
      },
    };
  }

  #raise(wait: Wait): void {
    const { what: about, code } = wait;
    const { help } = ERROR_CODES[code];
    this.#options.conditions.raise(keyOf(wait), {
      ...{ kind: 'waiting', about, code, message: messageOf(wait), help },
    });
  }
}

/**
 * A refused secret is not a dependency that is away. A run in progress still retries it, since keys are
 * changed under it.
 */
function isAway({ retry, code }: TidemarkError): boolean {
  return retry === 'transient' && code !== 'STORE_AUTHENTICATION';
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);

const keyOf = ({ what }: Wait): string => `start ${what}`;

function messageOf({ what, reason }: Wait): string {
  return `still waiting for ${what}${reason === null ? '' : `: ${reason}`}`;
}
