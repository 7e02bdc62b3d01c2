/** One pure step of a machine. XState silently ignores unknown events; here they are an error. */
import type { AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom } from 'xstate';
import { TidemarkError } from '../journal/errors.ts';
import {
  transitionTableOf,
  type Branch,
  type StepArguments,
  type TransitionTable,
} from './transitionTable.ts';

/** Every machine routes events that no state accepts to an action of this name. */
export const UNEXPECTED = 'rejectUnexpected';

/** State of a machine: everything that its next step depends on. */
export type MachineState<TMachine extends AnyStateMachine> = Pick<
  SnapshotFrom<TMachine>,
  'value' | 'context' | 'status'
>;

export interface Step<TMachine extends AnyStateMachine> {
  readonly state: MachineState<TMachine>;
  /** Names of the outward actions, in order. */
  readonly actions: readonly string[];
}

/** Called for every step of a machine, to measure coverage. */
export type OnStep = (machine: string, from: string, event: string, to: string) => void;

const tables = new WeakMap<AnyStateMachine, TransitionTable>();

function tableOf(machine: AnyStateMachine): TransitionTable {
  const known = tables.get(machine);
  if (known !== undefined) return known;
  const table = transitionTableOf(machine);
  tables.set(machine, table);
  return table;
}

/** The machine's initial state. */
export function start<TMachine extends AnyStateMachine>(
  machine: TMachine,
  input: InputFrom<TMachine>,
): MachineState<TMachine> {
  const table = tableOf(machine);
  return restore(machine, table.initial, table.makeContext(input) as SnapshotFrom<TMachine>['context']);
}

/**
 * Restores a stored state from its name and context. Throws INTERNAL if the machine has no state of this
 * name.
 */
export function restore<TMachine extends AnyStateMachine>(
  machine: TMachine,
  value: string,
  context: SnapshotFrom<TMachine>['context'],
): MachineState<TMachine> {
  const table = tableOf(machine);
  if (!table.branches.has(value))
    throw new TidemarkError('INTERNAL', `The machine ${machine.id} has no state "${value}".`);
  return stateOf(table, value, context) as MachineState<TMachine>;
}

/**
 * The next state and the outward actions. Throws PROTOCOL_UNEXPECTED_EVENT for an event that the state does
 * not accept.
 */
export function step<TMachine extends AnyStateMachine>(
  machine: TMachine,
  state: MachineState<TMachine>,
  event: EventFromLogic<TMachine>,
  who: string,
): Step<TMachine> {
  const table = tableOf(machine);
  const { value, context } = state as { readonly value: string; readonly context: object };
  const { type } = event as { readonly type: string };
  const args: StepArguments = { context, event: event };
  const branch = table.branches.get(value)?.get(type)?.find(holds, args) ?? table.otherwise.find(holds, args);
  if (branch === undefined || branch.actions.includes(UNEXPECTED)) throw unexpected(who, value, type);
  if (branch.target === null && branch.changes.length === 0) return { state, actions: branch.actions };
  const next = stateOf(table, branch.target ?? value, changed(args, branch));
  return { state: next as MachineState<TMachine>, actions: branch.actions };
}

function holds(this: StepArguments, { guard }: Branch): boolean {
  return guard === null || guard(this);
}

/** Each change sees the result of the previous ones. */
function changed(args: StepArguments, { changes }: Branch): object {
  let { context } = args;
  for (const change of changes) context = { ...context, ...change({ context, event: args.event }) };
  return context;
}

function stateOf(table: TransitionTable, value: string, context: object) {
  return { value, context, status: table.finals.has(value) ? 'done' : 'active' };
}

function unexpected(who: string, value: string, type: string): TidemarkError {
  const state = JSON.stringify(value);
  return new TidemarkError(
    'PROTOCOL_UNEXPECTED_EVENT',
    `${who} in state ${state} does not know the event "${type}". The partition stops; nothing was written.`,
    { fields: { who, state, event: type } },
  );
}
