/**
 * Keeps this process's presence record up to date, and removes it at an orderly end. It never harms the run:
 * a failure to keep the record is logged once, and retried.
 */
import type { PresenceBoard, PresenceKey } from '../../journal/presence.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import { encodePresence, type PresenceFacts } from './record.ts';

/** How often the record is written. */
const PRESENCE_EVERY_MS = 10_000;
/** A coordinator whose record is older than this is considered gone. */
export const PRESENCE_STALE_MS = 30_000;
/** Longest wait for a board that does not answer. */
const PATIENCE_MS = 5_000;
/**
 * Part of the last second of `shutdown.timeout`, which also includes leaving the group. A record that is not
 * removed expires.
 */
const LAST_WORD_MS = 400;

export interface KeeperOptions {
  readonly board: PresenceBoard;
  readonly key: PresenceKey;
  readonly clock: Clock;
  readonly log: Log;
  readonly describe: () => PresenceFacts;
}

export class PresenceKeeper {
  readonly #options: KeeperOptions;
  #timer: { cancel(): void } | null = null;
  #keeping: Promise<void> = Promise.resolve();
  #isUnderWay = false;
  #isAgain = false;
  #isOver = false;
  #hasFailed = false;
  #isHanging = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#keep();
    this.#arm();
  }

  /** Writes the record now, because somebody may be waiting for a change. */
  changed(): void {
    if (!this.#isOver) this.#keep();
  }

  /** Resolves when the record is removed, or when that has taken too long. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#timer?.cancel();
    const { board, key, log } = this.#options;
    const remove = async (): Promise<void> => {
      await this.#keeping;
      await board.remove(key);
    };
    try {
      await this.#within(remove(), LAST_WORD_MS);
    } catch (error) {
      log.debug({ err: error }, 'the presence record could not be removed; it passes by itself');
    }
  }

  #arm(): void {
    this.#timer = this.#options.clock.timer(PRESENCE_EVERY_MS, () => {
      this.#keep();
      this.#arm();
    });
  }

  /** One write at a time. A change during a write is written right after it. */
  #keep(): void {
    if (this.#isUnderWay) {
      this.#isAgain = true;
      return;
    }
    this.#isUnderWay = true;
    this.#keeping = this.#keepOnce().finally(() => {
      this.#isUnderWay = false;
      if (this.#isAgain && !this.#isOver) {
        this.#isAgain = false;
        this.#keep();
      }
    });
  }

  async #keepOnce(): Promise<void> {
    const { board, key, describe, log } = this.#options;
    // No further calls while one hangs: they would take the threads of the pool one by one.
    if (this.#isHanging) return;
    try {
      this.#isHanging = true;
      const kept = async (): Promise<void> => {
        const bytesMax = await board.bytesMax();
        await board.keep(key, encodePresence(describe(), bytesMax));
      };
      const keeping = kept().finally(() => {
        this.#isHanging = false;
      });
      await this.#within(keeping, PATIENCE_MS);
      if (this.#hasFailed) log.info({}, 'the presence record is kept again');
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed)
        log.warn(
          { err: error },
          'the presence record could not be kept: `tidemark status` may not see this process',
        );
      this.#hasFailed = true;
    }
  }

  async #within(work: Promise<void>, limitMs: number): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = this.#options.clock.timer(limitMs, () => {
      late.reject(new Error(`no answer within ${limitMs} ms`));
    });
    try {
      await Promise.race([work, late.promise]);
    } finally {
      timer.cancel();
    }
  }
}
