/**
 * What the source waits for and retries. A wait is logged when it begins and then ever more rarely. While it
 * lasts it is one of the process's conditions, which are logged once a minute and shown by `status`.
 */
import type { ErrorCode } from '../../../journal/errors.ts';
import { ERROR_CODES } from '../../../journal/errors.ts';
import type { Conditions } from '../../telemetry/conditions.ts';
import type { LogFields, SourceLog } from './options.ts';
import { retryLevel } from '../../system/pacing.ts';

export interface Wait {
  readonly key: string;
  /** What the condition names: a partition, a broker, the group. */
  readonly about: string;
  readonly code: ErrorCode;
}

/** The same wait has the same key wherever it occurs. */
export const waitFor = {
  metadata: (): Wait => ({ key: 'kafka metadata', about: "Kafka's metadata", code: 'SOURCE_UNAVAILABLE' }),
  broker: (nodeId: number): Wait => ({
    ...{ key: `kafka broker ${nodeId}`, about: `broker ${nodeId}`, code: 'SOURCE_UNAVAILABLE' },
  }),
  records: (partition: string): Wait => ({
    ...{ key: `kafka records ${partition}`, about: partition, code: 'SOURCE_UNAVAILABLE' },
  }),
  commit: (partition: string): Wait => ({
    ...{ key: `kafka commit ${partition}`, about: `the commit of ${partition}`, code: 'SOURCE_UNAVAILABLE' },
  }),
  group: (groupId: string): Wait => ({
    ...{ key: 'kafka group', about: `group ${groupId}`, code: 'SOURCE_UNAVAILABLE' },
  }),
  answer: (doing: string): Wait => ({
    ...{ key: `kafka answer ${doing}`, about: `the ${doing}`, code: 'SOURCE_UNAVAILABLE' },
  }),
  newTopics: (): Wait => ({
    ...{ key: 'kafka new topics', about: 'the list of topics', code: 'SOURCE_UNAVAILABLE' },
  }),
  topics: (): Wait => ({ key: 'kafka topics', about: 'the source', code: 'SOURCE_TOPIC_MISSING' }),
};

export class Waits {
  readonly #log: SourceLog;
  readonly #conditions: Conditions | null;
  /** By the key of a broker's wait: the partitions that the broker does not serve meanwhile. */
  readonly #unserved = new Map<string, Set<string>>();

  /** Without conditions, waits are only logged. */
  constructor(log: SourceLog, conditions: Conditions | null) {
    this.#log = log;
    this.#conditions = conditions;
  }

  /** Reports the `failures`-th consecutive failure. */
  failed(wait: Wait, failures: number, fields: LogFields, message: string): void {
    this.#log[retryLevel(failures)](fields, message);
    this.#raise('retried', wait, message);
  }

  /** Reports a wait that the caller has logged itself. */
  lasts(wait: Wait, message: string): void {
    this.#raise('waiting', wait, message);
  }

  /** Ends this wait when `work` ends, successfully or not. */
  async during<T>(wait: Wait, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.over(wait);
    }
  }

  over({ key }: Wait): void {
    this.#conditions?.clear(key);
  }

  /**
   * Reports that these partitions wait for the broker. The wait is over when each of them was served, by any
   * broker, or is no longer wanted.
   */
  unserved(wait: Wait, partitions: readonly string[]): void {
    const names = this.#unserved.get(wait.key) ?? new Set();
    for (const name of partitions) names.add(name);
    if (names.size > 0) this.#unserved.set(wait.key, names);
    else this.over(wait);
  }

  /** Reports that the partition's records have arrived, or are no longer wanted. */
  served(partition: string): void {
    this.over(waitFor.records(partition));
    for (const [key, names] of this.#unserved) {
      names.delete(partition);
      if (names.size > 0) continue;
      this.#unserved.delete(key);
      this.#conditions?.clear(key);
    }
  }

  #raise(kind: 'retried' | 'waiting', { key, about, code }: Wait, message: string): void {
    this.#conditions?.raise(key, { kind, about, code, message, help: ERROR_CODES[code].help });
  }
}
