/**
 * Exhaustive schedules level by level: none, one, two, three strikes. The sites of a run are where the next
 * strike happens.
 */
import type { RunRequest, RunSummary } from './executor.ts';
import { STRIKE_TYPES, telling, withStrikes, type Strike } from './exhaust.ts';
import type { Level } from './report.ts';
import type { Schedule } from './schedule.ts';

export interface StruckRequest extends RunRequest {
  readonly strikes: readonly Strike[];
}

export class Exhaustion {
  readonly #schedule: Schedule;
  readonly #strikesMax: number;
  readonly levels: Level[] = [];
  /** Of the level under way, and, as it is found, of the next. */
  #chains: readonly (readonly Strike[])[] = [];
  #next: (readonly Strike[])[] = [[]];
  #hit = 0;
  done = 0;

  constructor(schedule: Schedule, strikesMax: number) {
    this.#schedule = schedule;
    this.#strikesMax = strikesMax;
  }

  /** Number of schedules in the current level. */
  get planned(): number {
    return this.#chains.length;
  }

  /** Moves to the next level; false if there is none. */
  begin(): boolean {
    this.#chains = this.#next;
    this.#next = [];
    this.#hit = 0;
    this.done = 0;
    return this.#chains.length > 0;
  }

  *requests(isOver: () => boolean): Generator<StruckRequest> {
    for (const strikes of this.#chains) {
      if (isOver()) return;
      const schedule = withStrikes(this.#schedule, strikes);
      const isLast = strikes.length === this.#strikesMax;
      yield { schedule, strikes, sitesBehind: isLast ? null : strikes };
    }
  }

  /** Must be called in the order of the requests. */
  take({ strikes, schedule }: StruckRequest, { sites, fired }: RunSummary): void {
    const hit = strikes.length === 0 || fired[schedule.faults.length - 1] === true;
    this.done += 1;
    if (hit) this.#hit += 1;
    this.levels[strikes.length] = { strikes: strikes.length, schedules: this.done, hit: this.#hit };
    if (!hit || strikes.length === this.#strikesMax || !isTelling(strikes, this.#firstSites)) return;
    if (strikes.length === 0)
      this.#firstSites = new Set(telling(sites, []).map((site) => JSON.stringify(site)));
    const next = strikes.length === 0 ? sites : telling(sites, strikes);
    for (const site of next)
      for (const type of typesAt(strikes)) this.#next.push([...strikes, { type, ...site }]);
  }

  /**
   * Single strikes happen everywhere; of two processes that pass the same point, only one is continued from.
   */
  #firstSites: ReadonlySet<string> = new Set();
}

function isTelling(strikes: readonly Strike[], firstSites: ReadonlySet<string>): boolean {
  const [first] = strikes;
  if (first === undefined) return true;
  const { process, life, point, side } = first;
  return firstSites.has(JSON.stringify({ process, life, point, side }));
}

/** A third strike is a crash of a process that still recovers from the first two. */
function typesAt(strikes: readonly Strike[]): readonly Strike['type'][] {
  return strikes.length < 2 ? STRIKE_TYPES : ['crash'];
}
