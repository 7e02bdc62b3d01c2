/**
 * Walks a machine along the paths that xstate/graph derives from it, and holds every step against a table
 * that was written by hand. The walk is derived from the machine, the table from what the machine is for: a
 * state, a transition or a rejection that only one of them knows is a failure.
 */
import { describe, expect, it } from 'vitest';
import {
  initialTransition,
  transition,
  type AnyStateMachine,
  type AnyStateNode,
  type EventFromLogic,
  type InputFrom,
} from 'xstate';
import { getShortestPaths, toDirectedGraph, type DirectedGraphEdge } from 'xstate/graph';
import { start, step, UNEXPECTED, type MachineState, type Step } from '../../actors/step.ts';
import { hasCode } from '../../journal/errors.ts';

/** Where a step leads: the label of the next state, then its outward actions. */
export type Outcome = readonly [next: string, ...actions: string[]];

/** By label, then by case; what is not listed is to be rejected. */
export type Expectations = Readonly<Record<string, Readonly<Record<string, Outcome>>>>;

export interface Model<M extends AnyStateMachine> {
  readonly machine: M;
  readonly input: InputFrom<M>;
  /**
   * The state's name, then what its guards look at: tells the states of the walk apart and keeps it finite.
   */
  readonly label: (state: MachineState<M>) => string;
  /**
   * Events with concrete payloads, fit for the state, by name: the event's type and, where there are several,
   * which one.
   */
  readonly cases: (state: MachineState<M>) => Readonly<Record<string, EventFromLogic<M>>>;
  readonly expected: Expectations;
  /** What must hold in every state of the walk. */
  readonly invariant: (state: MachineState<M>) => void;
}

interface Snapshot {
  readonly status: unknown;
  readonly value: unknown;
  readonly context: unknown;
}

interface Place<M extends AnyStateMachine> {
  readonly label: string;
  readonly state: MachineState<M>;
}

/** Titles begin with the label: a test per table row, per rejection, and for the coverage of the machine. */
export function describeModel<M extends AnyStateMachine>(name: string, model: Model<M>): void {
  const walk = new Walk(name, model);

  describe(`${name}: each step of the walk does what the table says`, () => {
    for (const place of walk.places) {
      for (const [title, [next, ...actions]] of Object.entries(model.expected[place.label] ?? {})) {
        it(`${place.label}: ${title} -> ${[next, ...actions].join(', ')}`, () => {
          const event = model.cases(place.state)[title];
          expect(event, `the model has no case "${title}" in this state`).toBeDefined();
          const result = walk.take(place.state, event as EventFromLogic<M>);
          expect([model.label(result.state), ...result.actions]).toEqual([next, ...actions]);
        });
      }
    }
  });

  describe(`${name}: what must hold holds`, () => {
    for (const { label, state } of walk.places) {
      it(label, () => {
        model.invariant(state);
      });
    }
  });

  describe(`${name}: everything else is rejected`, () => {
    for (const place of walk.places) {
      const known = model.expected[place.label] ?? {};
      it(`${place.label}: whatever the table does not list is PROTOCOL_UNEXPECTED_EVENT`, () => {
        for (const [title, event] of Object.entries(model.cases(place.state))) {
          if (!(title in known)) expectRejected(walk, place, event, title);
        }
      });
      it(`${place.label}: every event type that the machine's own config does not list is rejected`, () => {
        const listed = listedTypes(nodeOf(model.machine, place.state));
        const foreign = [...walk.alphabet].filter((type) => !listed.has(type));
        for (const type of [...foreign, 'neverHeardOf']) {
          const event = Object.values(model.cases(place.state)).find((one) => typeOf(one) === type);
          expectRejected(walk, place, event ?? ({ type } as EventFromLogic<M>), type);
        }
      });
    }
  });

  describe(`${name}: the walk covers the machine`, () => {
    it('every state is reached', () => {
      const states = toDirectedGraph(model.machine).children.map((child) => child.stateNode.key);
      const reached = new Set(walk.places.map(({ state }) => String((state as Snapshot).value)));
      expect(states.filter((state) => !reached.has(state))).toEqual([]);
    });
    it('every transition is taken, each guarded branch of it too', () => {
      const taken = walk.transitionsTaken();
      expect(
        transitionsOf(model.machine)
          .filter((edge) => !taken.has(edge.transition))
          .map(nameOfEdge),
      ).toEqual([]);
    });
    it('every event type has a case with a payload', () => {
      const types = new Set(Object.values(model.cases(walk.first.state)).map(typeOf));
      expect([...walk.alphabet].filter((type) => !types.has(type))).toEqual([]);
    });
    it('every state of the table is reached, and every state reached is in the table', () => {
      expect(walk.places.map(({ label }) => label).sort()).toEqual(Object.keys(model.expected).sort());
    });
  });

  describe(`${name}: it is pure`, () => {
    it('the same state and event give the same twice, and leave what they were given as it was', () => {
      for (const { state } of walk.places) {
        const before = frozenText(state);
        for (const event of Object.values(model.cases(state))) {
          expect(outcomeText(walk, state, event)).toBe(outcomeText(walk, state, event));
        }
        expect(textOf(state)).toBe(before);
      }
    });
    it('each step is the one that XState itself takes', () => {
      const { machine, input } = model;
      const [first] = initialTransition(machine as AnyStateMachine, input);
      expect(stepText(first, [])).toBe(stepText(start(machine, input), []));
      for (const { state } of walk.places) {
        for (const event of [...Object.values(model.cases(state)), { type: 'neverHeardOf' }]) {
          const [next, actions] = transition(machine as AnyStateMachine, walk.snapshotOf(state), event);
          const names = actions.map(({ type }): string => type);
          const own = outcomeText(walk, state, event as EventFromLogic<M>);
          if (names.includes(UNEXPECTED)) expect(own).toContain('does not know the event');
          else expect(own).toBe(stepText(next, names));
        }
      }
    });
    it('it holds no timer, no invoked actor and no transition without an event', () => {
      for (const node of nodesOf(model.machine)) {
        expect({ at: node.id, after: node.after, invoke: node.invoke, always: node.always ?? [] }).toEqual({
          at: node.id,
          after: [],
          invoke: [],
          always: [],
        });
      }
    });
  });
}

/** The states of the walk, each with the state that its shortest path leads to, walked by `step` alone. */
class Walk<M extends AnyStateMachine> {
  readonly places: readonly Place<M>[];
  readonly alphabet: ReadonlySet<string>;
  readonly #name: string;
  readonly #model: Model<M>;

  constructor(name: string, model: Model<M>) {
    this.#name = name;
    this.#model = model;
    this.alphabet = new Set(transitionsOf(model.machine).map((edge) => edge.label.text));
    this.places = this.#derivePaths().map((events) => this.#walked(events));
  }

  get first(): Place<M> {
    const [first] = this.places;
    if (first === undefined) throw new Error('The walk is empty.');
    return first;
  }

  take(state: MachineState<M>, event: EventFromLogic<M>): Step<M> {
    return step(this.#model.machine, state, event, this.#name);
  }

  /** The same state as XState keeps it. */
  snapshotOf({ value, context }: MachineState<M>): ReturnType<AnyStateMachine['resolveState']> {
    return (this.#model.machine as AnyStateMachine).resolveState({ value, context });
  }

  /** Which transitions of the config the cases of the reached states choose. */
  transitionsTaken(): ReadonlySet<unknown> {
    const taken = new Set<unknown>();
    for (const { state } of this.places) {
      for (const event of Object.values(this.#model.cases(state))) {
        for (const taking of this.#model.machine.getTransitionData(this.snapshotOf(state) as never, event))
          taken.add(taking);
      }
    }
    return taken;
  }

  /** The shortest sequence of events to each label, the empty one first. */
  #derivePaths(): readonly (readonly EventFromLogic<M>[])[] {
    const { machine, input, label, cases } = this.#model;
    const names = new Map<unknown, string>();
    const paths = getShortestPaths(machine as AnyStateMachine, {
      input,
      serializeState: (state) => label(state as unknown as MachineState<M>),
      serializeEvent: (event) => names.get(event) ?? typeOf(event),
      events: (state) => {
        const listed = listedTypes(nodeOf(machine, state as unknown as MachineState<M>));
        return Object.entries(cases(state as unknown as MachineState<M>)).flatMap(([title, event]) => {
          names.set(event, title);
          return listed.has(typeOf(event)) ? [event as never] : [];
        });
      },
    });
    return paths.map(({ steps }) => steps.slice(1).map(({ event }) => event as EventFromLogic<M>));
  }

  #walked(events: readonly EventFromLogic<M>[]): Place<M> {
    const { machine, input, label } = this.#model;
    let state = start(machine, input);
    for (const event of events) state = this.take(state, event).state;
    return { label: label(state), state };
  }
}

function expectRejected<M extends AnyStateMachine>(
  walk: Walk<M>,
  place: Place<M>,
  event: EventFromLogic<M>,
  title: string,
): void {
  let error: unknown = null;
  try {
    walk.take(place.state, event);
  } catch (caught) {
    error = caught;
  }
  expect(hasCode(error, 'PROTOCOL_UNEXPECTED_EVENT'), `${place.label}: ${title} was not rejected`).toBe(true);
}

function typeOf(event: unknown): string {
  return (event as { type: string }).type;
}

function nodesOf(machine: AnyStateMachine): readonly AnyStateNode[] {
  return [machine.root, ...toDirectedGraph(machine).children.map((child) => child.stateNode)];
}

function nodeOf<M extends AnyStateMachine>(machine: M, state: MachineState<M>): AnyStateNode {
  const value = String((state as Snapshot).value);
  const node = nodesOf(machine).find(({ key, parent }) => parent !== undefined && key === value);
  if (node === undefined) throw new Error(`The machine has no state "${value}".`);
  return node;
}

function listedTypes(node: AnyStateNode): ReadonlySet<string> {
  return new Set(node.transitions.keys());
}

/** Of all states; the root's wildcard, which rejects, is none. */
function transitionsOf(machine: AnyStateMachine): readonly DirectedGraphEdge[] {
  return toDirectedGraph(machine).children.flatMap((child) => child.edges);
}

function nameOfEdge(edge: DirectedGraphEdge): string {
  return `${edge.source.key}: ${edge.label.text} (${guardName(edge)}) -> ${edge.target.key}`;
}

function guardName({ transition: { guard } }: DirectedGraphEdge): string {
  return typeof guard === 'string' ? guard : 'no named guard';
}

function textOf(state: unknown): string {
  const { value, context, status } = state as Snapshot;
  return JSON.stringify({ value, context, status }, (_key, item: unknown) =>
    typeof item === 'bigint' ? `${item}n` : item,
  );
}

/** Freezes the context all through, so that a change in place throws. */
function frozenText(state: unknown): string {
  freeze((state as Snapshot).context);
  return textOf(state);
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
}

function stepText(next: unknown, actions: readonly string[]): string {
  return `${textOf(next)} ${actions.join()}`;
}

function outcomeText<M extends AnyStateMachine>(
  walk: Walk<M>,
  state: MachineState<M>,
  event: EventFromLogic<M>,
): string {
  try {
    const { state: next, actions } = walk.take(state, event);
    return stepText(next, actions);
  } catch (error) {
    if (!hasCode(error, 'PROTOCOL_UNEXPECTED_EVENT')) throw error;
    return error.message;
  }
}
