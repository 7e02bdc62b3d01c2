/** One pure step of a machine. XState ignores unknown events silently; here they are an error. */
import {
  createActor,
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

/**
 * What a machine is stepped in. XState's `transition` makes an actor for this at each call, which runs the context factory and
 * takes longer than the step itself; a pure machine leaves nothing behind in it, so that one serves them all.
 */
interface InertScope {
  readonly scope: Parameters<AnyStateMachine['transition']>[2];
  /** What the step in progress asks for. */
  actions: string[];
}
const inertScopes = new WeakMap<AnyStateMachine, InertScope>();

function inertScopeOf(machine: AnyStateMachine): InertScope {
  const known = inertScopes.get(machine);
  if (known !== undefined) {
    known.actions = [];
    return known;
  }
  const self = createActor(machine);
  const nothing = (): void => undefined;
  const inert: InertScope = {
    actions: [],
    scope: {
      ...{ self, system: self.system, id: '', sessionId: '' },
      ...{ logger: nothing, defer: nothing, emit: nothing, stopChild: nothing },
      actionExecutor: (action) => {
        inert.actions.push(action.type);
      },
    },
  };
  inertScopes.set(machine, inert);
  return inert;
}

/** The machine's first state. */
export function start<TMachine extends AnyStateMachine>(
  machine: TMachine,
  input: InputFrom<TMachine>,
): SnapshotFrom<TMachine> {
  return machine.getInitialSnapshot(inertScopeOf(machine).scope, input) as SnapshotFrom<TMachine>;
}

/** The next state and the outward actions. Rejects an event that the state does not know: PROTOCOL_UNEXPECTED_EVENT. */
export function step<TMachine extends AnyStateMachine>(
  machine: TMachine,
  state: SnapshotFrom<TMachine>,
  event: EventFromLogic<TMachine>,
  who: string,
): Step<TMachine> {
  const inert = inertScopeOf(machine);
  const next = machine.transition(state, event, inert.scope) as SnapshotFrom<TMachine>;
  const { actions } = inert;
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
