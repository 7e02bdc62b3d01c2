/** The presence record of a process that waits for its journal: a coordinator that has none yet. */
import type { JobName } from '../../journal/ids.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import type { Clock } from '../system/clock.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { Log } from '../telemetry/log.ts';
import { DependencyWatch } from './dependencies.ts';
import { PresenceKeeper } from './keeper.ts';
import { NO_JOURNAL_YET } from './record.ts';

/** Nobody looks for a start that ends sooner. */
const TOLD_AFTER_MS = 2_000;

export interface StartingOptions {
  readonly board: PresenceBoard;
  /** Id of the record. The coordinator that follows has another. */
  readonly id: string;
  readonly job: JobName;
  readonly version: string;
  readonly self: { readonly host: string; readonly pid: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly conditions: Conditions;
}

/** Returns the function that ends it, which resolves when the record is gone. */
export function tellStart(options: StartingOptions): () => Promise<void> {
  const { board, id, job, version, self, clock, log, conditions } = options;
  const startedAtMs = clock.wallMs();
  const { answers: dependencies } = new DependencyWatch(clock);
  let keeper: PresenceKeeper | null = null;
  const timer = clock.timer(TOLD_AFTER_MS, () => {
    keeper = new PresenceKeeper({
      ...{ board, clock, log, key: { job, coordinatorId: id } },
      describe: () => ({
        ...{ v: 1, id, job, journalId: NO_JOURNAL_YET, ...self, version, startedAtMs },
        ...{ partitions: [], dependencies, conditions: [...conditions.list()], answers: [] },
      }),
    });
    keeper.start();
  });
  return async () => {
    timer.cancel();
    await keeper?.end();
  };
}
