/** The total of a number of runs: faults planned and taken place, failpoints passed. */
import { FAILPOINTS, type Failpoint, type FailpointSide } from '../src/system/failpoints.ts';
import { CoverageCount, type Coverage } from './coverage.ts';
import type { RunSummary } from './executor.ts';
import type { Fault, Schedule } from './schedule.ts';

/** One side of a failpoint over all runs. */
export interface FailpointTally {
  readonly point: Failpoint;
  readonly side: FailpointSide;
  /** How often processes passed it. */
  readonly passed: number;
  /** Crashes and pauses that were planned there, and that took place. */
  readonly planned: number;
  readonly hit: number;
}

export interface FaultTally {
  readonly type: Fault['type'];
  readonly planned: number;
  readonly hit: number;
}

interface Count {
  planned: number;
  hit: number;
}

export class Tally {
  schedules = 0;
  readonly #byType = new Map<Fault['type'], Count>();
  readonly #byPoint = new Map<string, Count>();
  readonly #passed = new Map<string, number>();
  readonly #coverage = new CoverageCount();

  add({ faults }: Schedule, { failpointHits, fired, reached }: RunSummary): void {
    this.schedules += 1;
    this.#coverage.add(faults, fired, reached.transitions);
    for (const [index, fault] of faults.entries()) {
      const hit = fired[index] === true;
      count(this.#byType, fault.type, hit);
      if (fault.type === 'crash' || fault.type === 'pause')
        count(this.#byPoint, `${fault.point}:${fault.side}`, hit);
    }
    for (const [key, times] of Object.entries(failpointHits))
      this.#passed.set(key, (this.#passed.get(key) ?? 0) + times);
  }

  get coverage(): Coverage {
    return this.#coverage.coverage;
  }

  get faults(): readonly FaultTally[] {
    return [...this.#byType]
      .map(([type, { planned, hit }]) => ({ type, planned, hit }))
      .sort((a, b) => (a.type < b.type ? -1 : 1));
  }

  /** Every named failpoint, including those that were never passed. */
  get failpoints(): readonly FailpointTally[] {
    return FAILPOINTS.flatMap((point) =>
      (['before', 'after'] as const).map((side) => {
        const key = `${point}:${side}`;
        const { planned, hit } = this.#byPoint.get(key) ?? { planned: 0, hit: 0 };
        return { point, side, passed: this.#passed.get(key) ?? 0, planned, hit };
      }),
    );
  }
}

function count<K>(counts: Map<K, Count>, key: K, hit: boolean): void {
  const known = counts.get(key) ?? { planned: 0, hit: 0 };
  known.planned += 1;
  if (hit) known.hit += 1;
  counts.set(key, known);
}
