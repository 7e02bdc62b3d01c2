/**
 * Builds the schedule that lets a stretch of a journal happen again. The world needs other times than the job
 * did for what it cannot shorten: joining a group, replaying. So it is built epoch by epoch: the world runs
 * up to a claim, and what follows is placed from there on; it runs up to the last entry of that epoch, and
 * its end is placed there.
 */
import type { World } from '../executor.ts';
import type { Fault, LogItem, RunTrace, Schedule } from '../schedule.ts';
import { causesOf, isRepairedIn, isStoppedAfter } from './causes.ts';
import { epochsOf, type EpochEnd, type HistoryEpoch } from './epochs.ts';
import { livedEntries, passesOf, type LivedEntry } from './lived.ts';
import type { Reads } from './reads.ts';
import type { HistorySettings } from './settings.ts';
import type { Stretch, StretchEntry } from './stretch.ts';
import { itemsOf } from './workload.ts';

export interface HistoryOfPartition {
  readonly stretch: Stretch;
  readonly reads: Reads;
  readonly settings: HistorySettings;
  /** Virtual time of each entry of the stretch, from 0 on. */
  readonly times: readonly number[];
  readonly seed: number;
}

export interface AsItHappened {
  readonly schedule: Schedule;
  /** Of that schedule. It holds everything. */
  readonly trace: RunTrace;
  /** The world's time of the entry that the stretch is about. */
  readonly aroundMs: number;
  /** What could not be brought about. */
  readonly notes: readonly string[];
}

export async function asItHappened(world: World, history: HistoryOfPartition): Promise<AsItHappened> {
  return new Rebuilding(world, history).run();
}

/** An end that is placed: its faults, and when the epoch is over at the latest. */
interface PlacedEnd {
  readonly faults: readonly Fault[];
  readonly atMs: number;
}

class Rebuilding {
  readonly #world: World;
  readonly #history: HistoryOfPartition;
  readonly #epochs: readonly HistoryEpoch[];
  /** By epoch: the index of its first entry. */
  readonly #firsts: readonly number[];
  /** By epoch, as far as it is known: how much later than in the stretch it began. */
  readonly #shifts: number[] = [];
  readonly #ends: PlacedEnd[] = [];
  readonly #notes = new Set<string>();

  constructor(world: World, history: HistoryOfPartition) {
    this.#world = world;
    this.#history = history;
    this.#epochs = epochsOf(history.stretch);
    let first = 0;
    this.#firsts = this.#epochs.map(({ entries }) => {
      const own = first;
      first += entries.length;
      return own;
    });
  }

  async run(): Promise<AsItHappened> {
    for (const [epoch, { end }] of this.#epochs.entries()) {
      const claim = claimBehind(livedEntries(await this.#run()), this.#ends.at(-1)?.atMs ?? 0);
      if (claim === null) this.#notes.add(`claim ${epoch + 1} of the stretch does not happen in the world`);
      this.#begins(epoch, claim);
      if (end !== null) this.#ends.push(this.#endOf(epoch, end, claim, await this.#run()));
    }
    const trace = await this.#mended(await this.#run());
    const { around } = this.#history.stretch;
    return {
      ...{ schedule: trace.schedule, trace, notes: [...this.#notes] },
      aroundMs: this.#livedAt(this.#epochOf(around), around, livedEntries(trace)),
    };
  }

  #run(): Promise<RunTrace> {
    return this.#world(this.#schedule(), { keepEverything: true });
  }

  #begins(epoch: number, claim: LivedEntry | null): void {
    const before = this.#shifts.at(-1) ?? 0;
    const first = this.#history.times[this.#firsts[epoch] ?? 0] ?? 0;
    this.#shifts.push(claim === null ? before : claim.atMs - first);
  }

  #epochOf(index: number): number {
    return this.#firsts.findLastIndex((first) => first <= index);
  }

  /** The world's time of an entry of the stretch, as far as is known. */
  #atMs(index: number): number {
    const shift = this.#shifts[Math.min(this.#epochOf(index), this.#shifts.length - 1)] ?? 0;
    const over = this.#ends[this.#epochOf(index) - 1]?.atMs ?? 0;
    return Math.max(over, (this.#history.times[index] ?? 0) + shift, 0);
  }

  #schedule(): Schedule {
    const { seed, settings, stretch, reads } = this.#history;
    const { config, recordScale } = settings;
    const placed = itemsOf(reads, settings, (index) => this.#atMs(index));
    const faults: Fault[] = [];
    const unread: LogItem[] = [];
    let isStopped = false;
    const events = stretch.entries.flatMap(({ entry }) => entry.events);
    let seen = 0;
    for (const [index, before] of stretch.entries.entries()) {
      const { place } = this.#epochs[this.#epochOf(index)] ?? { place: 0 };
      for (const event of before.entry.events) {
        seen += 1;
        const isRepaired = event.type === 'partitionStopped' && isRepairedIn(events.slice(seen));
        const caused = causesOf({
          ...{ event, before, isStopped, isRepaired, place, items: placed, wallStartMs: config.wallStartMs },
          ...{ atMs: this.#atMs(index), scaled: (count) => Math.max(1, Math.round(count * recordScale)) },
        });
        faults.push(...caused.faults);
        unread.push(...(caused.items ?? []));
        if (caused.note !== undefined) this.#notes.add(caused.note);
        isStopped = isStoppedAfter(event, isStopped);
      }
    }
    const items = [...placed.map(({ item }) => item), ...unread].sort((one, other) => one.atMs - other.atMs);
    return {
      ...{ seed, config, workload: { topic: 'numbers', partitions: [items] } },
      faults: [...this.#ends.flatMap((end) => end.faults), ...faults],
    };
  }

  /**
   * When the world journaled what the stretch has at this index; where it has not, the time at which it would
   * have.
   */
  #livedAt(epoch: number, index: number, lived: readonly LivedEntry[]): number {
    return this.#lived(epoch, index, lived)?.atMs ?? this.#atMs(index);
  }

  /** The entry of the world's epoch with the same last event, counted from the epoch's begin. */
  #lived(epoch: number, index: number, lived: readonly LivedEntry[]): LivedEntry | null {
    const own = this.#epochs[epoch]?.entries ?? [];
    const upTo = own.slice(0, index - (this.#firsts[epoch] ?? 0) + 1);
    const type = lastType(upTo.at(-1));
    const nth = upTo.filter((one) => lastType(one) === type).length;
    const claim = claimBehind(lived, this.#ends[epoch - 1]?.atMs ?? 0);
    const ofEpoch = lived.filter(({ claimId }) => claimId === claim?.claimId);
    const alike = ofEpoch.filter(({ types }) => types.at(-1) === type);
    return alike[nth - 1] ?? ofEpoch.findLast(({ atMs }) => atMs <= this.#atMs(index)) ?? null;
  }

  #endOf(epoch: number, end: EpochEnd, claim: LivedEntry | null, trace: RunTrace): PlacedEnd {
    const [own, next] = [this.#epochs[epoch], this.#epochs[epoch + 1]];
    const first = this.#firsts[epoch + 1] ?? 0;
    const lived = livedEntries(trace);
    const last = this.#lived(epoch, first - 1, lived) ?? claim;
    const atMs = (last?.atMs ?? this.#atMs(first - 1)) + 1;
    if (own === undefined || next === undefined) return { faults: [], atMs };
    const gapMs = (this.#history.times[first] ?? 0) - (this.#history.times[first - 1] ?? 0);
    const leave: Fault = { type: 'leave', process: own.place, atMs };
    const join: Fault = { type: 'join', process: next.place, atMs: atMs + Math.max(1, gapMs) };
    switch (end) {
      case 'answered':
        return { faults: [], atMs };
      case 'claimedAgain':
        return { faults: failureBehind(atMs, own.place, trace), atMs };
      case 'drained':
      case 'handedOver':
        return { faults: [leave, join], atMs };
      case 'died': {
        const died = crashBehind(last, own.place, trace) ?? { type: 'kill', process: own.place, atMs };
        // Its place stays empty if another one goes on.
        const moved = own.place === next.place ? [] : [{ ...leave, atMs: atMs + LATENCY_MS }, join];
        return { faults: [died, ...moved], atMs };
      }
    }
  }

  /** A crash that does not come about in the end becomes a kill at its time. */
  async #mended(trace: RunTrace): Promise<RunTrace> {
    const missed = this.#ends.map(({ faults }) =>
      faults.some(
        (fault) => fault.type === 'crash' && trace.fired[trace.schedule.faults.indexOf(fault)] !== true,
      ),
    );
    if (!missed.includes(true)) return trace;
    for (const [index, { faults, atMs }] of this.#ends.entries()) {
      if (missed[index] !== true) continue;
      const kill = (fault: Fault): Fault =>
        fault.type === 'crash' ? { type: 'kill', process: fault.process, atMs } : fault;
      this.#ends[index] = { atMs, faults: faults.map(kill) };
    }
    return this.#run();
  }
}

/** Longer than a call may take. */
const LATENCY_MS = 10;

function lastType(one: StretchEntry | undefined): string | undefined {
  return one?.entry.events.at(-1)?.type;
}

function claimBehind(lived: readonly LivedEntry[], afterMs: number): LivedEntry | null {
  return lived.find(({ atMs, types }) => atMs >= afterMs && types.includes('epochClaimed')) ?? null;
}

const PERSISTING: readonly string[] = ['store.persist', 'store.closeForCommit'];

/** Its epoch ends without the process: nobody knows whether a call to the store took effect. */
function failureBehind(atMs: number, place: number, trace: RunTrace): readonly Fault[] {
  const passed = passesOf(trace).find(
    (one) =>
      one.process === place && one.side === 'before' && one.atMs >= atMs && PERSISTING.includes(one.point),
  );
  if (passed === undefined) return [];
  const { process, life, point, nth } = passed;
  return [{ type: 'store', process, life, point, nth, fault: 'lostReply' }];
}

/** The process dies when it hears that the entry is journaled. Null if the world does not come to that. */
function crashBehind(last: LivedEntry | null, place: number, trace: RunTrace): Fault | null {
  if (last === null) return null;
  const point = last.types.includes('epochClaimed') ? 'journal.claim' : 'journal.append';
  const passed = passesOf(trace).find(
    (one) => one.process === place && one.point === point && one.side === 'after' && one.atMs >= last.atMs,
  );
  if (passed === undefined) return null;
  const { process, life, side, nth } = passed;
  return { type: 'crash', process, life, point, side, nth };
}
