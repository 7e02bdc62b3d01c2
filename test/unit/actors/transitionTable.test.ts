import { describe, expect, it } from 'vitest';
import { assign, setup, type AnyStateMachine } from 'xstate';
import { UNEXPECTED } from '../../../actors/step.ts';
import { transitionTableOf } from '../../../actors/transitionTable.ts';

const rejects = { '*': { actions: UNEXPECTED } } as const;
const machines = setup({
  types: { context: {} as { count: number } },
  actions: {
    [UNEXPECTED]: () => undefined,
    raiseCount: assign(({ context }) => ({ count: context.count + 1 })),
    setByField: assign({ count: 1 }),
  },
});
const base = { context: { count: 0 }, initial: 'one', on: rejects } as const;

describe('a machine as a table', () => {
  it('holds what the machine says', () => {
    const machine = machines.createMachine({
      ...base,
      states: { one: { on: { go: { target: 'two', actions: 'raiseCount' } } }, two: { type: 'final' } },
    });
    const table = transitionTableOf(machine);
    expect(table).toMatchObject({ initial: 'one', finals: new Set(['two']) });
    const [branch, ...others] = table.branches.get('one')?.get('go') ?? [];
    expect(others).toEqual([]);
    expect(branch).toMatchObject({ guard: null, target: 'two', actions: [] });
    expect(branch?.changes[0]?.({ context: { count: 4 }, event: { type: 'go' } })).toEqual({ count: 5 });
    expect(table.otherwise).toEqual([{ guard: null, target: null, changes: [], actions: [UNEXPECTED] }]);
  });

  const unreadable: Readonly<Record<string, AnyStateMachine>> = {
    'nested states': machines.createMachine({
      ...base,
      states: { one: { initial: 'inner', states: { inner: {} } } },
    }),
    'an entry action': machines.createMachine({ ...base, states: { one: { entry: 'raiseCount' } } }),
    'an exit action': machines.createMachine({ ...base, states: { one: { exit: 'raiseCount' } } }),
    'a timer': machines.createMachine({ ...base, states: { one: { after: { 10: 'two' } }, two: {} } }),
    'a transition without an event': machines.createMachine({
      ...base,
      states: { one: { always: 'two' }, two: {} },
    }),
    'an assign by field': machines.createMachine({
      ...base,
      states: { one: { on: { go: { actions: 'setByField' } } } },
    }),
    'an action without a name': machines.createMachine({
      ...base,
      states: { one: { on: { go: { actions: () => undefined } } } },
    }),
    'a guard without a name': machines.createMachine({
      ...base,
      states: { one: { on: { go: { guard: () => true, target: 'two' } } }, two: {} },
    }),
    'a state that takes any event': machines.createMachine({ ...base, states: { one: { on: rejects } } }),
    'no answer to unknown events': machines.createMachine({ ...base, on: {}, states: { one: {} } }),
  };
  for (const [what, machine] of Object.entries(unreadable)) {
    it(`refuses ${what}`, () => {
      expect(() => transitionTableOf(machine)).toThrow(/its table cannot be made/);
    });
  }
});
