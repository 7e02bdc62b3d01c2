/**
 * A machine as a table: state and event give the guarded branches, each with its target, its changes of the context and its
 * outward actions. It is read off the machine once; the machine stays the only place where a rule is written. XState's own
 * interpreter costs some 10 microseconds a step, the table a tenth of that; the model tests hold the two against each other.
 *
 * Only what the machines of this project use can be read: flat states, guards and actions by name, `assign` with a function.
 * Anything else is refused when the table is made.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { TidemarkError } from '../journal/errors.ts';

/** What a guard and a change of the context look at. */
export interface StepArguments {
  readonly context: object;
  readonly event: { readonly type: string };
}

export interface Branch {
  /** Null where the branch is taken whatever the context is. */
  readonly guard: ((args: StepArguments) => boolean) | null;
  /** Null where the state stays. */
  readonly target: string | null;
  /** Each gives the fields of the context that it changes. */
  readonly changes: readonly ((args: StepArguments) => object)[];
  /** Names of the outward actions, in order. */
  readonly actions: readonly string[];
}

export interface TransitionTable {
  readonly initial: string;
  readonly finals: ReadonlySet<string>;
  /** Branches by state, then by event; the first whose guard holds is taken. */
  readonly branches: ReadonlyMap<string, ReadonlyMap<string, readonly Branch[]>>;
  /** What is taken where no branch of the state is. */
  readonly otherwise: readonly Branch[];
  makeContext(input: unknown): object;
}

const ANY_EVENT = '*';

/** Reads the table off the machine. Rejects with INTERNAL what the table cannot say. */
export function transitionTableOf(machine: AnyStateMachine): TransitionTable {
  const { root } = machine;
  const [initial, ...parallel] = root.initial.target;
  const isFlat = Object.values(root.states).every((node) => ['atomic', 'final'].includes(node.type));
  if (initial === undefined || parallel.length > 0 || !isFlat) throw unreadable(root, 'is not flat');
  checkNothingElse(root);
  const otherwise = root.transitions.get(ANY_EVENT) ?? [];
  if (root.transitions.size !== 1 || otherwise.length === 0) {
    throw unreadable(root, `has other transitions of its own than "${ANY_EVENT}"`);
  }
  return {
    initial: initial.key,
    finals: new Set(Object.values(root.states).flatMap(({ key, type }) => (type === 'final' ? [key] : []))),
    branches: new Map(Object.values(root.states).map((node) => [node.key, branchesOf(machine, node)])),
    otherwise: otherwise.map((transition) => branchOf(machine, transition)),
    makeContext: contextMaker(machine),
  };
}

function branchesOf(machine: AnyStateMachine, node: AnyStateNode): Map<string, readonly Branch[]> {
  checkNothingElse(node);
  if (node.transitions.has(ANY_EVENT)) throw unreadable(node, 'takes any event');
  return new Map(
    [...node.transitions].map(([type, transitions]) => [
      type,
      transitions.map((transition) => branchOf(machine, transition)),
    ]),
  );
}

/** Whatever would run without an event of its own, or beside the transition. */
function checkNothingElse(node: AnyStateNode): void {
  const { entry, exit, after, invoke, always = [] } = node;
  if ([entry, exit, after, invoke, always].every((list) => list.length === 0)) return;
  throw unreadable(node, 'has entry or exit actions, timers, invoked actors or transitions without an event');
}

function branchOf(machine: AnyStateMachine, transition: AnyTransitionDefinition): Branch {
  const { guard, target, source } = transition;
  const changes: Branch['changes'][number][] = [];
  const actions: string[] = [];
  for (const action of transition.actions) {
    if (typeof action !== 'string') throw unreadable(source, 'has an action without a name');
    const change = changeOf(machine, action, source);
    if (change === null) actions.push(action);
    else changes.push(change);
  }
  if (target !== undefined && target.length !== 1) throw unreadable(source, 'leads to several states');
  return {
    guard: guard === undefined ? null : guardOf(machine, guard, source),
    target: target?.[0]?.key ?? null,
    changes,
    actions,
  };
}

function guardOf(machine: AnyStateMachine, guard: unknown, source: AnyStateNode): Branch['guard'] {
  const guards: Readonly<Record<string, unknown>> = machine.implementations.guards;
  const found = typeof guard === 'string' ? guards[guard] : undefined;
  if (typeof found !== 'function' || 'check' in found)
    throw unreadable(source, 'has a guard without a function');
  return found as (args: StepArguments) => boolean;
}

/** The change that the action makes to the context; null where it is an outward action. */
function changeOf(
  machine: AnyStateMachine,
  action: string,
  source: AnyStateNode,
): Branch['changes'][number] | null {
  const actions: Readonly<Record<string, unknown>> = machine.implementations.actions;
  const found = actions[action];
  if (typeof found !== 'function') throw unreadable(source, `has no implementation of "${action}"`);
  if (!('resolve' in found)) return null;
  const assignment = 'assignment' in found ? found.assignment : null;
  if (typeof assignment !== 'function')
    throw unreadable(source, `has "${action}", no assign with a function`);
  return assignment as (args: StepArguments) => object;
}

type ContextFactory = (args: { readonly input: unknown }) => object;

function contextMaker(machine: AnyStateMachine): (input: unknown) => object {
  const context: unknown = machine.config.context;
  if (typeof context === 'function') return (input) => (context as ContextFactory)({ input });
  if (typeof context !== 'object' || context === null) throw unreadable(machine.root, 'has no context');
  return () => context;
}

function unreadable(node: AnyStateNode, why: string): TidemarkError {
  return new TidemarkError('INTERNAL', `The machine at "${node.id}" ${why}: its table cannot be made.`);
}
