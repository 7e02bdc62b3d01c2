/** What this coordinator publishes about itself, for `status` and for operators who wait for an answer. */
import { PresenceKeeper } from '../presence/keeper.ts';
import type { OwnedPartition, PresenceFacts } from '../presence/record.ts';
import type { Context } from '../job/context.ts';
import type { PartitionRunner } from '../partition/partitionRunner.ts';

export class CoordinatorPresence {
  readonly #context: Context;
  readonly #runners: () => Iterable<PartitionRunner>;
  readonly #id: string;
  readonly #startedAtMs: number;
  readonly #keeper: PresenceKeeper | null;

  constructor(context: Context, runners: () => Iterable<PartitionRunner>) {
    const { presence, random, clock, log } = context.ports;
    this.#context = context;
    this.#runners = runners;
    this.#startedAtMs = clock.wallMs();
    if (presence === undefined) {
      this.#id = '';
      this.#keeper = null;
      return;
    }
    this.#id = random.hexId();
    const key = { job: context.settings.job, coordinatorId: this.#id };
    this.#keeper = new PresenceKeeper({
      ...{ board: presence.board, key, clock, log },
      describe: () => this.#describe(presence.self),
    });
  }

  start(): void {
    const keeper = this.#keeper;
    keeper?.start();
    // An operator waits for the answer, and a stop must be visible at once: publish without delay.
    this.#context.health.onNews(() => keeper?.changed());
  }

  async end(): Promise<void> {
    await this.#keeper?.end();
  }

  #describe({ host, pid }: { readonly host: string; readonly pid: number }): PresenceFacts {
    const { ports, settings, health } = this.#context;
    return {
      v: 1,
      id: this.#id,
      job: settings.job,
      journalId: ports.journal.id,
      ...{ host, pid, version: settings.version, startedAtMs: this.#startedAtMs },
      partitions: [...this.#runners()].map((runner) => this.#partition(runner)),
      dependencies: health.dependencies.answers,
      conditions: [...health.conditions.list()],
      answers: [...health.answers],
    };
  }

  #partition({ task, state }: PartitionRunner): OwnedPartition {
    return { ...task.partition, state };
  }
}
