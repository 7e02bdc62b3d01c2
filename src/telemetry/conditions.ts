/**
 * Lasting problems: stopped, halted, refused, waiting, retried. The code that meets one raises it here under
 * a key, and clears it when it is over. A lasting condition is logged again once a minute, with advice, and
 * is part of the presence record.
 */
import { ERROR_CODES, TidemarkError } from '../../journal/errors.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from './log.ts';

/** `noticed`: may be intended, so it is not logged again. */
export type ConditionKind = 'stopped' | 'halted' | 'refused' | 'waiting' | 'retried' | 'noticed';

export interface Condition {
  readonly kind: ConditionKind;
  /** What it concerns: a partition (`clicks/0`), the journal, a broker. */
  readonly about: string;
  readonly code: string;
  readonly message: string;
  /** What a person can do. */
  readonly help: string;
}

export interface LastingCondition extends Condition {
  /** Wall clock, milliseconds. */
  readonly sinceMs: number;
  /** How often it has occurred since then. */
  readonly times: number;
}

export interface Conditions {
  /**
   * The caller has already logged it. The same key again is the same condition, which continues. `forMs`: it
   * expires by itself.
   */
  raise(key: string, condition: Condition, forMs?: number): void;
  /** The condition is over. No effect if it was not raised. */
  clear(key: string): void;
  list(): readonly LastingCondition[];
}

/** For a command that ends soon. */
export const noConditions: Conditions = {
  raise: () => undefined,
  clear: () => undefined,
  list: () => [],
};

const REPEAT_MS = 60_000;
/** Most lines in one minute. Further ones are only counted. */
const LINES_MAX = 100;
/** Each partition has a few keys. More are a bug, which must not fill the memory. */
const CONDITIONS_MAX = 20_000;

interface Kept extends LastingCondition {
  /** Monotonic: when it is logged again, and when it expires. */
  readonly dueMs: number;
  readonly endMs: number;
}

export class ConditionBoard implements Conditions {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #kept = new Map<string, Kept>();
  #timer: { cancel(): void } | null = null;
  #isOver = false;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  raise(key: string, condition: Condition, forMs = Infinity): void {
    if (this.#isOver) return;
    const before = this.#kept.get(key);
    if (before === undefined && this.#kept.size >= CONDITIONS_MAX) return;
    const isSame = before?.code === condition.code && before.kind === condition.kind;
    const nowMs = this.#clock.nowMs();
    this.#kept.set(key, {
      ...condition,
      sinceMs: isSame ? before.sinceMs : this.#clock.wallMs(),
      times: isSame ? before.times + 1 : 1,
      dueMs: isSame ? before.dueMs : nowMs + REPEAT_MS,
      endMs: nowMs + forMs,
    });
    this.#timer ??= this.#clock.timer(REPEAT_MS, () => this.#tell());
  }

  clear(key: string): void {
    if (!this.#kept.delete(key) || this.#kept.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  list(): readonly LastingCondition[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#kept.values()]
      .filter(({ endMs }) => endMs > nowMs)
      .map(({ dueMs: _due, endMs: _end, ...condition }) => condition);
  }

  /** Nothing is logged any more. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#kept.clear();
  }

  #tell(): void {
    this.#timer = null;
    const nowMs = this.#clock.nowMs();
    const due: Kept[] = [];
    for (const [key, condition] of this.#kept) {
      if (condition.endMs <= nowMs) this.#kept.delete(key);
      else if (condition.dueMs <= nowMs) {
        due.push(condition);
        this.#kept.set(key, { ...condition, dueMs: nowMs + REPEAT_MS });
      }
    }
    for (const condition of due.filter(({ kind }) => kind !== 'noticed').slice(0, LINES_MAX))
      this.#log.warn(fieldsOf(condition), lineOf(condition));
    if (due.length > LINES_MAX)
      this.#log.warn({}, `${due.length - LINES_MAX} more conditions go on: see \`tidemark status\`.`);
    if (this.#kept.size === 0) return;
    const nextMs = Math.min(...[...this.#kept.values()].map(({ dueMs }) => dueMs));
    this.#timer = this.#clock.timer(Math.max(1_000, nextMs - nowMs), () => this.#tell());
  }
}

/**
 * The condition of an error. An error of Tidemark comes with the advice of its code, any other one with its
 * own message.
 */
export function conditionOf(kind: ConditionKind, about: string, error: unknown): Condition {
  if (error instanceof TidemarkError) {
    const { code, message } = error;
    return { kind, about, code, message, help: ERROR_CODES[code].help };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind, about, code: 'UNKNOWN', message, help: 'See the message; it is tried again.' };
}

function fieldsOf({ kind, about, code, sinceMs, times, help }: Kept) {
  return { kind, about, code, since: isoOf(sinceMs), times, help };
}

function lineOf({ kind, about, code, message, sinceMs, help }: Kept): string {
  const what = { retried: 'tried again', waiting: 'waited for' } as const;
  const is = kind === 'retried' || kind === 'waiting' ? what[kind] : kind;
  return `${about} is still ${is}, since ${isoOf(sinceMs)}: ${code}: ${message} What helps: ${help}`;
}

function isoOf(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
