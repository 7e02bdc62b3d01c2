/**
 * Reports appends that the journal does not accept at once: logs the retries and raises a condition until the
 * append ends. Retries have no limit.
 */
import type { Subject } from '../../journal/ids.ts';
import { conditionOf } from '../telemetry/conditions.ts';
import { conditionKey } from './conditionKeys.ts';
import type { Context } from './context.ts';

export class AppendRetries {
  readonly #context: Pick<Context, 'ports' | 'health'>;
  readonly #subject: Subject;
  /** Whose entries these are, in log lines and conditions. */
  readonly #whose: string;
  #isRaised = false;

  constructor(context: Pick<Context, 'ports' | 'health'>, subject: Subject, whose: string) {
    this.#context = context;
    this.#subject = subject;
    this.#whose = whose;
  }

  /** Options for the writer. */
  get options() {
    return { onRetry: (attempt: number, cause: unknown) => this.#retried(attempt, cause) };
  }

  /** Clears the condition when the append ends, whether it succeeded or failed. */
  async during<T>(append: Promise<T> | T): Promise<T> {
    try {
      return await append;
    } finally {
      if (this.#isRaised) this.#context.health.conditions.clear(conditionKey.append(this.#subject));
      this.#isRaised = false;
    }
  }

  #retried(attempt: number, cause: unknown): void {
    const { ports, health } = this.#context;
    const subject = this.#subject;
    const about = `An entry of ${this.#whose}`;
    const reason =
      cause ?? new Error('the journal holds another last entry than was acknowledged, and does not show it');
    health.conditions.raise(conditionKey.append(subject), conditionOf('retried', about, reason));
    this.#isRaised = true;
    if (attempt === 1 || attempt % 10 === 0)
      ports.log.warn({ subject, attempt, cause }, 'the journal does not take an entry; sending it again');
  }
}
