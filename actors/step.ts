/** One pure step of a machine. XState ignores unknown events silently; here they are an error. */
import {
  initialTransition,
  transition,
  type AnyStateMachine,
  type EventFromLogic,
  type InputFrom,
  type SnapshotFrom,
} from 'xstate';
import { TidemarkError } from '../journal/errors.ts';

/** Every machine routes what no state takes to an action of this name. */
export const UNEXPECTED = 'rejectUnexpected';

export interface Step<TMachine extends AnyStateMachine> {
  readonly state: SnapshotFrom<TMachine>;
  /** Names of the outward actions, in order. */
  readonly actions: readonly string[];
}

/** The machine's first state. */
export function start<TMachine extends AnyStateMachine>(
  machine: TMachine,
  input: InputFrom<TMachine>,
): SnapshotFrom<TMachine> {
  // The library's rest-tuple type cannot be written for a generic machine.
  const begin = initialTransition as unknown as (
    logic: TMachine,
    input: InputFrom<TMachine>,
  ) => readonly [SnapshotFrom<TMachine>, unknown];
  return begin(machine, input)[0];
}

/** The next state and the outward actions. Rejects an event that the state does not know: PROTOCOL_UNEXPECTED_EVENT. */
export function step<TMachine extends AnyStateMachine>(
  machine: TMachine,
  state: SnapshotFrom<TMachine>,
  event: EventFromLogic<TMachine>,
  who: string,
): Step<TMachine> {
  const [next, executables] = transition(machine, state, event);
  const actions = executables.map((action): string => action.type);
  if (actions.includes(UNEXPECTED)) {
    const value = JSON.stringify((state as { value: unknown }).value);
    throw new TidemarkError(
      'PROTOCOL_UNEXPECTED_EVENT',
      `${who} in state ${value} does not know the event "${(event as { type: string }).type}". The partition stops; nothing was written.`,
      { fields: { who, state: value, event: (event as { type: string }).type } },
    );
  }
  return { state: next, actions };
}
