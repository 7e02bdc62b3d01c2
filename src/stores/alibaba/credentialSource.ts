/**
 * Keys of the destination that are valid whenever they are asked for. Temporary ones are replaced before they
 * end, also while files are being written with them. While that fails it is tried again and is a condition;
 * once the keys have ended, whoever asks for keys waits.
 */
import { ERROR_CODES } from '../../../journal/errors.ts';
import { backoffMs, type Backoff } from '../../system/backoff.ts';
import { orLate } from '../../system/bounded.ts';
import type { Clock } from '../../system/clock.ts';
import type { Conditions } from '../../telemetry/conditions.ts';
import type { Log } from '../../telemetry/log.ts';
import { StoreFailure } from '../failure.ts';
import type { OssCredentials } from './credentials.ts';

export interface CredentialSource {
  /**
   * Keys that are valid now. Waits for a while if there are none any more, not if there never were any. Then
   * StoreFailure `unavailable`, or `refused` if the provider will never give this caller any.
   */
  keys(): Promise<OssCredentials>;
  /** When the keys end, in milliseconds since 1970. Null if they do not, or if there are none. */
  readonly expiresAtMs: number | null;
  /** Nothing is asked for any more; whoever waits is refused. */
  close(): void;
}

/** What a provider gives. */
export interface GivenKeys {
  readonly credentials: OssCredentials;
  /** In milliseconds since 1970. Null if they do not end, or if the provider does not say. */
  readonly expiresAtMs: number | null;
  /** When to ask again, if the provider does not say when they end. Null: never. */
  readonly askAgainAfterMs: number | null;
}

export interface CredentialSourceOptions {
  /** For people: `provider oidc (acs:ram::1234:role/x)`. */
  readonly about: string;
  /** Asks the provider once. Its errors hold no secret. */
  readonly ask: () => Promise<GivenKeys>;
  /** Called with new keys before anybody gets them. If it fails, they do not count. */
  readonly onKeys?: (keys: OssCredentials) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly conditions: Conditions;
}

/** Keys that end are replaced this long before, but not before half of their life. */
const AHEAD_MS = 5 * 60_000;
const REFRESH_PAUSE_MS_MIN = 250;
/** The last part of their life in which they are not handed out: a request takes its time. */
const LEFT_MS_MAX = 15_000;
const LEFT_SHARE = 0.05;
const AGAIN: Backoff = { firstMs: 500, longestMs: 30_000 };
const ANSWER_LIMIT_MS = 30_000;
/** How long a call waits for keys once they have ended. Then it fails, and is tried again. */
const PATIENCE_MS = 120_000;
const CONDITION = 'sink.credentials';

interface Current {
  readonly credentials: OssCredentials;
  readonly expiresAtMs: number | null;
  /** From then on they are not handed out. */
  readonly usableUntilMs: number;
}

interface Waiting {
  readonly give: (keys: OssCredentials) => void;
  readonly refuse: (error: StoreFailure) => void;
}

/** Keys that stay. */
export function keysThatStay(credentials: OssCredentials): CredentialSource {
  return { keys: () => Promise.resolve(credentials), expiresAtMs: null, close: () => undefined };
}

export class RefreshedCredentials implements CredentialSource {
  readonly #options: CredentialSourceOptions;
  #current: Current | null = null;
  #asking: Promise<void> | null = null;
  #failures = 0;
  /** What the log was told since the last new keys. */
  #told: 'nothing' | 'retried' | 'waiting' = 'nothing';
  #lastFailure: StoreFailure | null = null;
  #timer: { cancel(): void } | null = null;
  readonly #waiting = new Set<Waiting>();
  #isClosed = false;

  constructor(options: CredentialSourceOptions) {
    this.#options = options;
  }

  get expiresAtMs(): number | null {
    return this.#current?.expiresAtMs ?? null;
  }

  async keys(): Promise<OssCredentials> {
    const valid = this.#valid();
    if (valid !== null) return valid;
    this.#mustBeOpen();
    if (this.#current === null) {
      await this.#refresh();
      return this.keys();
    }
    // A clock that stood still, as on a machine that slept, delays the timer.
    if (this.#failures === 0) this.#refresh().catch(() => undefined);
    return this.#awaited();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#options.conditions.clear(CONDITION);
    for (const { refuse } of this.#waiting) refuse(this.#closed());
    this.#waiting.clear();
  }

  #valid(): OssCredentials | null {
    const current = this.#current;
    if (current === null || this.#options.clock.wallMs() >= current.usableUntilMs) return null;
    return current.credentials;
  }

  async #awaited(): Promise<OssCredentials> {
    const { promise, resolve, reject } = Promise.withResolvers<OssCredentials>();
    const waiting: Waiting = { give: resolve, refuse: reject };
    this.#waiting.add(waiting);
    try {
      return await orLate(this.#options.clock, PATIENCE_MS, promise, () => this.#ended());
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /** Asks the provider, or joins whoever is asking. Rejects if that fails; it is then tried again. */
  #refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask(): Promise<void> {
    this.#timer?.cancel();
    const { clock, ask, onKeys, about } = this.#options;
    try {
      const late = (): Error => failureOf(about, `it has not answered for ${ANSWER_LIMIT_MS / 1_000} s`);
      const given = await orLate(clock, ANSWER_LIMIT_MS, ask(), late);
      const nowMs = clock.wallMs();
      if (given.expiresAtMs !== null && given.expiresAtMs <= nowMs)
        throw failureOf(
          about,
          `it gives keys that ended at ${isoOf(given.expiresAtMs)}; is the clock right?`,
        );
      this.#mustBeOpen();
      await onKeys?.(given.credentials);
      this.#take(given, nowMs);
    } catch (error) {
      const failure = error instanceof StoreFailure ? error : failureOf(about, 'it failed', error);
      this.#failed(failure);
      throw failure;
    }
  }

  #take({ credentials, expiresAtMs, askAgainAfterMs }: GivenKeys, nowMs: number): void {
    const { log, conditions, about } = this.#options;
    const lifeMs = expiresAtMs === null ? Infinity : expiresAtMs - nowMs;
    const leftMs = Math.min(LEFT_MS_MAX, lifeMs * LEFT_SHARE);
    this.#current = { credentials, expiresAtMs, usableUntilMs: nowMs + lifeMs - leftMs };
    if (this.#isClosed) return;
    if (this.#failures > 0) log.info({ about, failures: this.#failures }, 'the destination has keys again');
    this.#failures = 0;
    this.#told = 'nothing';
    conditions.clear(CONDITION);
    for (const { give } of this.#waiting) give(credentials);
    const ownMs = expiresAtMs === null ? askAgainAfterMs : Math.max(lifeMs / 2, lifeMs - AHEAD_MS);
    if (ownMs !== null) this.#later(Math.max(REFRESH_PAUSE_MS_MIN, ownMs));
  }

  #failed(failure: StoreFailure): void {
    this.#lastFailure = failure;
    this.#failures += 1;
    // Whoever asked at the start is told, and asks again.
    if (this.#current === null || this.#isClosed) return;
    const { log, conditions } = this.#options;
    const endsAtMs = this.#current.expiresAtMs;
    const kind = this.#valid() === null ? 'waiting' : 'retried';
    const rest =
      kind === 'waiting' ? 'The keys have ended: uploads wait.' : `The keys last until ${isoOf(endsAtMs)}.`;
    const message = `${failure.message} ${rest}`;
    if (this.#told !== kind) log.warn({ err: failure, endsAt: isoOf(endsAtMs) }, message);
    this.#told = kind;
    const { code } = failure;
    conditions.raise(CONDITION, { kind, about: CONDITION, code, message, help: ERROR_CODES[code].help });
    this.#later(backoffMs(AGAIN, this.#failures));
  }

  #later(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.timer(delayMs, () => {
      this.#refresh().catch(() => undefined);
    });
  }

  #ended(): StoreFailure {
    const why = this.#lastFailure?.message ?? 'The provider has not answered yet.';
    return new StoreFailure('unavailable', `The keys of the destination have ended. ${why}`);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw this.#closed();
  }

  #closed(): StoreFailure {
    return new StoreFailure('unavailable', 'The destination is closed: it asks for no keys any more.');
  }
}

function failureOf(about: string, why: string, cause?: unknown): StoreFailure {
  const message = `There are no new keys for the destination (${about}): ${why}.`;
  return new StoreFailure('unavailable', message, { cause });
}

function isoOf(wallMs: number | null): string {
  return wallMs === null ? 'an unknown time' : new Date(wallMs).toISOString();
}
