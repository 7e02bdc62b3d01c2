/** All processes, with the configuration of each, and which of them wrote which journal entries. */
import type { Random } from '../src/system/clock.ts';
import { IS_NOT_REFUSED } from './checkers/facts.ts';
import type { JobChange, Life } from './job/change.ts';
import type { Place } from './processPlace.ts';
import type { SimProcess } from './process.ts';
import type { Recorder } from './recorder.ts';
import type { RunTrace, TracedEntry } from './schedule.ts';
import type { Scheduler } from './scheduler.ts';
import type { PlacedBatch } from './simKafka/partitionLog.ts';

/** A process with a contradicting job file ends within this time; the services it waits for are up. */
const REFUSED_MS = 20_000;
const CLAIM_ID = /"claimId":"([^"]*)"/;

export class Lives {
  readonly all: Life[] = [];
  readonly #drawnBy = new Map<string, string>();

  /** Returns the random source for the ids of the process. */
  begin(process: SimProcess, change: JobChange): Random {
    this.all.push({ process: process.name, change });
    return {
      hexId: () => {
        const id = process.random.hexId();
        this.#drawnBy.set(id, process.name);
        return id;
      },
    };
  }

  /** Claims are known by ids that their owners drew; requests of operators have none. */
  claimants(journal: readonly TracedEntry[]): RunTrace['claimants'] {
    const claimants: Record<string, string> = {};
    for (const { text } of journal) {
      const id = CLAIM_ID.exec(text)?.[1] ?? '';
      const process = this.#drawnBy.get(id);
      if (process !== undefined) claimants[id] = process;
    }
    return claimants;
  }
}

/**
 * By now somebody has read why processes were refused, and their job files are corrected. A process that runs
 * with a wrong one must end on its own.
 */
export function mendJobFiles(places: readonly Place[], scheduler: Scheduler, recorder: Recorder): void {
  for (const place of places) place.mend();
  scheduler.after(REFUSED_MS, null, () => {
    for (const { awaitsRefusal, process } of places)
      if (awaitsRefusal) recorder.tell(process, IS_NOT_REFUSED);
  });
}

export function timesOf(batches: readonly PlacedBatch[]): RunTrace['recordTimes'][number] {
  return batches.flatMap(({ base, records }) =>
    records.map(({ delta, timestampMs }) => [base + delta, timestampMs] as const),
  );
}
