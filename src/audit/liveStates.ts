/**
 * Which states the owner of a partition can have been in. `replaying` accepts every event, because it reads
 * what others wrote; an owner wrote each event in another state. Only some of the steps between these are
 * journaled, so the audit keeps every state that is possible, and an event that none of them accepts is
 * illegal.
 */
import { partitionMachine, type PartitionHostEvent } from '../../actors/partition.ts';
import { transitionTableOf } from '../../actors/transitionTable.ts';
import type { PartitionEvent } from '../../journal/events.ts';

/** Events of the process, which are not in the journal. They may have happened anywhere. */
const UNSEEN = Object.keys({
  ...{ replayed: true, settled: true, retiring: true, checkpointStarted: true, checkpointFailed: true },
  ...{ halted: true, fenced: true },
} satisfies Readonly<Record<PartitionHostEvent['type'], true>>);
const REPLAYING = 'replaying';
/**
 * Operators' answers, and what an owner journals in the same entry behind them: what an answer does to part
 * files, and the checkpoint in which nothing was read, for the leader epoch below a jump.
 */
const BEHIND_ANSWERS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['witnessAnswered', new Set(['partMoved', 'checkpointCompleted'])],
  ['lossAccepted', new Set(['checkpointCompleted'])],
  ['logTruncationAccepted', new Set(['checkpointCompleted'])],
  ['partitionRewound', new Set(['checkpointCompleted'])],
]);

type States = ReadonlySet<string>;

export class LiveStates {
  readonly #table = transitionTableOf(partitionMachine);
  readonly #next = new Map<States, Map<string, States | null>>();
  readonly #closures = new Map<string, States>();
  #now: States;
  /** Events that may follow an answer in its entry. */
  #behindAnswer: ReadonlySet<string> | null = null;

  constructor() {
    this.#now = this.#closed([this.#table.initial]);
  }

  /** Call it before the events of each entry. */
  entryBegins(): void {
    this.#behindAnswer = null;
  }

  /**
   * Adopts a journaled event. False if no owner can have written it here; then the states are those after the
   * event.
   *
   * @param isStopped whether the journal holds a stop, before the event.
   */
  take(type: PartitionEvent['type'], isStopped: boolean): boolean {
    if (this.#behindAnswer?.has(type) === true) return true;
    this.#behindAnswer = BEHIND_ANSWERS.get(type) ?? null;
    const key = type === 'epochClaimed' && isStopped ? 'epochClaimed of a stopped one' : type;
    const known = this.#nextOf(this.#now).get(key);
    const next = known === undefined ? this.#after(type, isStopped) : known;
    this.#nextOf(this.#now).set(key, next);
    if (next === null) return false;
    this.#now = next;
    return true;
  }

  /** Memoized by set: there are a few of them only. */
  #nextOf(states: States): Map<string, States | null> {
    const known = this.#next.get(states);
    if (known !== undefined) return known;
    const made = new Map<string, States | null>();
    this.#next.set(states, made);
    return made;
  }

  #after(type: string, isStopped: boolean): States | null {
    // Another process may claim at any time, whatever this one is doing.
    if (type === 'epochClaimed') return this.#closed([isStopped ? 'stopped' : 'settling']);
    const targets = [...this.#now].flatMap((state) => {
      const branches = state === REPLAYING ? undefined : this.#table.branches.get(state)?.get(type);
      return (branches ?? []).map(({ target }) => target ?? state);
    });
    return targets.length === 0 ? null : this.#closed(targets);
  }

  /** The states, and all that events which are not journaled lead to. One object for equal sets. */
  #closed(from: readonly string[]): States {
    const states = new Set(from);
    for (const state of states) {
      for (const event of UNSEEN) {
        for (const { target } of this.#table.branches.get(state)?.get(event) ?? [])
          states.add(target ?? state);
      }
    }
    const key = [...states].sort().join(' ');
    const same = this.#closures.get(key) ?? states;
    this.#closures.set(key, same);
    return same;
  }
}
