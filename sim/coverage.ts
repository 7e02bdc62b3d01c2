/** Coverage of all runs together: transitions of machines, sides of failpoints, pairs of fault kinds. */
import { bucketMachine } from '../actors/bucket.ts';
import { coordinatorMachine } from '../actors/coordinator.ts';
import { partFileMachine } from '../actors/partFile.ts';
import { partitionMachine } from '../actors/partition.ts';
import { transitionTableOf } from '../actors/transitionTable.ts';
import { FAULT_TYPES } from './faults/registry.ts';
import type { Fault } from './schedule.ts';

export interface Share {
  readonly hit: number;
  readonly all: number;
  /** What was never reached, in as few words as possible. */
  readonly never: readonly string[];
}

export interface Coverage {
  readonly transitions: Share;
  /** Pairs of fault kinds that took place in one schedule. */
  readonly pairs: Share;
}

/** `partition running checkpointStarted checkpointing`. */
function everyTransition(): string[] {
  return [coordinatorMachine, partitionMachine, bucketMachine, partFileMachine].flatMap((machine) =>
    [...transitionTableOf(machine).branches].flatMap(([from, events]) =>
      [...events].flatMap(([event, branches]) =>
        branches.map(({ target }) => `${machine.id} ${from} ${event} ${target ?? from}`),
      ),
    ),
  );
}

export class CoverageCount {
  readonly #transitions = new Set<string>();
  readonly #pairs = new Set<string>();

  add(faults: readonly Fault[], fired: readonly boolean[], transitions: readonly string[]): void {
    for (const transition of transitions) this.#transitions.add(transition);
    const counts = new Map<Fault['type'], number>();
    for (const [index, { type }] of faults.entries())
      if (fired[index] === true) counts.set(type, (counts.get(type) ?? 0) + 1);
    for (const [one, count] of counts)
      for (const other of counts.keys()) if (one !== other || count > 1) this.#pairs.add(pairOf(one, other));
  }

  get coverage(): Coverage {
    const all = [...new Set(everyTransition())];
    const never = all.filter((transition) => !this.#transitions.has(transition));
    const pairs = FAULT_TYPES.flatMap((one, index) =>
      FAULT_TYPES.slice(index).map((other) => [one, other] as const),
    );
    return {
      transitions: { hit: all.length - never.length, all: all.length, never },
      pairs: {
        hit: pairs.filter((pair) => this.#pairs.has(pairOf(...pair))).length,
        all: pairs.length,
        never: this.#pairsNever(),
      },
    };
  }

  /** `expire with powerCut, roll`. */
  #pairsNever(): string[] {
    return FAULT_TYPES.flatMap((one, index) => {
      const others = FAULT_TYPES.slice(index).filter((other) => !this.#pairs.has(pairOf(one, other)));
      return others.length === 0 ? [] : [`${one} with ${others.join(', ')}`];
    });
  }
}

function pairOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
