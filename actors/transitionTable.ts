/**
 * A machine as a table: state and event give the guarded branches, each with its target, its context changes
 * and its outward actions. The table is read from the machine once, so a rule is written only in the machine.
 * XState's interpreter needs some 10 microseconds per step, the table a tenth of that. The model tests
 * compare the two.
 *
 * The table supports only what this project's machines use: flat states, guards and actions by name, `assign`
 * with a function. Anything else is refused when the table is built.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { TidemarkError } from '../journal/errors.ts';

/** Input of a guard or a context change. */
export interface StepArguments {
  readonly context: object;
  readonly event: { readonly type: string };
}

export interface Branch {
  /** Null if the branch does not depend on the context. */
  readonly guard: ((args: StepArguments) => boolean) | null;
  /** Null if the state does not change. */
  readonly target: string | null;
  /** Each returns the context fields that it changes. */
  readonly changes: readonly ((args: StepArguments) => object)[];
  /** Names of the outward actions, in order. */
  readonly actions: readonly string[];
}

export interface TransitionTable {
  readonly initial: string;
  readonly finals: ReadonlySet<string>;
  /** Branches by state, then by event. The first one whose guard holds is taken. */
  readonly branches: ReadonlyMap<string, ReadonlyMap<string, readonly Branch[]>>;
  /** Taken if the state has no branch for the event. */
  readonly otherwise: readonly Branch[];
  makeContext(input: unknown): object;
}

const ANY_EVENT = '*';

/** Builds the table of the machine. Throws INTERNAL for anything that the table does not support. */
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

/** Refuses anything that would run without an event of its own, or besides the transition. */
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

/** The context change that the action makes; null for an outward action. */
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
