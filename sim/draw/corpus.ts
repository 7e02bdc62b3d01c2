/**
 * Schedules that reached something new, to be varied. Run n draws only from what the runs up to n - LAG have
 * left, regardless of the number and speed of threads: so the same seed gives the same schedules.
 */
import type { Reached } from '../reachedByRun.ts';
import type { SeededRandom } from '../random.ts';
import type { Schedule } from '../schedule.ts';

/** Maximum number of runs under way at once. */
export const LAG = 32;
const KEPT_MAX = 400;
/** In percent: how often one of the newest is taken. */
const NEWEST_SHARE = 40;
const NEWEST = 24;
const NOVELTY_MAX = 32;

export interface Kept {
  readonly schedule: Schedule;
  readonly moments: readonly number[];
  /** How many combinations it was the first to reach. */
  readonly novelty: number;
  picks: number;
}

export class Corpus {
  readonly #seen = new Set<number>();
  readonly #kept: Kept[] = [];
  /** Runs whose result does not count yet. */
  #waiting: { readonly schedule: Schedule; readonly reached: Reached }[] = [];
  #drawn = 0;
  #taken = 0;

  get size(): number {
    return this.#kept.length;
  }

  /** How many combinations were reached so far. */
  get features(): number {
    return this.#seen.size;
  }

  /** Must be called before each draw, in the order of the runs. */
  begin(): void {
    while (this.#waiting.length > 0 && this.#taken - this.#waiting.length <= this.#drawn - LAG) {
      const first = this.#waiting.shift();
      if (first !== undefined) this.#count(first.schedule, first.reached);
    }
    this.#drawn += 1;
  }

  /** Must be called with every run's result, in the order of the runs. */
  take(schedule: Schedule, reached: Reached): void {
    this.#waiting.push({ schedule, reached });
    this.#taken += 1;
  }

  #count(schedule: Schedule, { features, moments }: Reached): void {
    let novelty = 0;
    for (const feature of features) {
      if (this.#seen.has(feature)) continue;
      this.#seen.add(feature);
      novelty += 1;
    }
    if (novelty === 0) return;
    this.#kept.push({ schedule, moments, novelty, picks: 0 });
    if (this.#kept.length > KEPT_MAX) this.#forgetOne();
  }

  /** Drops the schedule that was varied most, relative to its worth. */
  #forgetOne(): void {
    const old = this.#kept.slice(0, -NEWEST);
    const worst = old.reduce((least, kept) => (energyOf(kept) < energyOf(least) ? kept : least));
    this.#kept.splice(this.#kept.indexOf(worst), 1);
  }

  pick(random: SeededRandom): Kept {
    const kept = random.percent(NEWEST_SHARE)
      ? random.pick(this.#kept.slice(-NEWEST))
      : random.weighted(this.#kept, energyOf);
    kept.picks += 1;
    return kept;
  }
}

function energyOf({ novelty, picks }: Kept): number {
  return 1 + Math.floor((64 * Math.min(novelty, NOVELTY_MAX)) / (1 + picks));
}
