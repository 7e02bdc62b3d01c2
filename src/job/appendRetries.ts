/** An entry that the journal does not take at once is sent again for as long as it takes: that is told, and lasts until it is taken. */
import type { Subject } from '../../journal/ids.ts';
import { conditionOf } from '../telemetry/conditions.ts';
import { conditionKey } from './conditionKeys.ts';
import type { Context } from './options.ts';

export class AppendRetries {
  readonly #context: Pick<Context, 'ports' | 'health'>;
  readonly #subject: Subject;
  /** Whose entries they are, for people. */
  readonly #whose: string;
  #isRaised = false;

  constructor(context: Pick<Context, 'ports' | 'health'>, subject: Subject, whose: string) {
    this.#context = context;
    this.#subject = subject;
    this.#whose = whose;
  }

  /** For the writer. */
  get options() {
    return { onRetry: (attempt: number, cause: unknown) => this.#retried(attempt, cause) };
  }

  /** What was raised while this was under way is over when it has ended, whichever way. */
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
