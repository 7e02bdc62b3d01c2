/**
 * The access token that connections authenticate with. One serves all of them. It is replaced when a
 * connection authenticates after 80 % of its life; while the endpoint is away, it is used until shortly
 * before its end.
 */
import type { Secret } from '../../../../kernels/schema/secret.ts';
import type { Clock } from '../../../system/clock.ts';
import { reasonOf } from '../errors.ts';
import type { SourceLog } from '../options.ts';
import type { GivenToken } from './endpoint.ts';

const REPLACED_AFTER = 0.8;
/** The last part of its life in which it is not used: sessions would be too short. */
const LEFT_SHARE = 0.2;
const LEFT_MS_MAX = 5_000;

export interface TokensOptions {
  readonly ask: () => Promise<GivenToken>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Pick<SourceLog, 'warn'>;
}

interface Current {
  readonly token: Secret;
  readonly replaceAtMs: number;
  readonly usableUntilMs: number;
}

export class Tokens {
  readonly #options: TokensOptions;
  #current: Current | null = null;
  #asking: Promise<Secret> | null = null;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** A token that is valid now. Rejects as `ask` does, if there is none. */
  async token(): Promise<Secret> {
    const nowMs = this.#options.clock.nowMs();
    if (this.#current !== null && nowMs < this.#current.replaceAtMs) return this.#current.token;
    this.#asking ??= this.#ask(nowMs).finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** Its life is counted from the question: a slow answer must not prolong it. */
  async #ask(askedAtMs: number): Promise<Secret> {
    const { ask, clock, log } = this.#options;
    try {
      const { token, lifeMs } = await ask();
      const leftMs = Math.min(LEFT_MS_MAX, lifeMs * LEFT_SHARE);
      this.#current = {
        token,
        replaceAtMs: askedAtMs + lifeMs * REPLACED_AFTER,
        usableUntilMs: askedAtMs + lifeMs - leftMs,
      };
      return token;
    } catch (error) {
      const before = this.#current;
      const leftMs = before === null ? 0 : before.usableUntilMs - clock.nowMs();
      if (before === null || leftMs <= 0) throw error;
      const seconds = Math.ceil(leftMs / 1_000);
      log.warn({}, `${reasonOf(error)}; the last token is used for ${seconds} s more.`);
      return before.token;
    }
  }
}
