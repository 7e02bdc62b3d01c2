/**
 * The health of a coordinator, in one place: lasting conditions, the last answer of each dependency, and the
 * answers to operators.
 */
import type { TopicPartition } from '../../journal/ids.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import { DependencyWatch } from './dependencies.ts';
import type { RequestAnswer } from './record.ts';
import type { Clock } from '../system/clock.ts';

/** Older answers were read long ago by whoever asked. */
const ANSWERS_KEPT = 200;

export class Health {
  readonly conditions: Conditions;
  readonly dependencies: DependencyWatch;
  readonly #answers: RequestAnswer[] = [];
  #onNews: () => void = () => undefined;

  constructor(clock: Pick<Clock, 'wallMs'>, conditions: Conditions) {
    this.conditions = conditions;
    this.dependencies = new DependencyWatch(clock);
  }

  /** Oldest first. */
  get answers(): readonly RequestAnswer[] {
    return [...this.#answers];
  }

  /** Somebody may be waiting for it. `reason` is null if the request was accepted. */
  answered({ topic, partition }: TopicPartition, requestId: number, reason: string | null): void {
    this.#answers.push({ topic, partition, requestId, isAccepted: reason === null, reason });
    if (this.#answers.length > ANSWERS_KEPT) this.#answers.shift();
    this.#onNews();
  }

  /** What was just raised must not wait for the next presence record. */
  tellNow(): void {
    this.#onNews();
  }

  onNews(listener: () => void): void {
    this.#onNews = listener;
  }
}
