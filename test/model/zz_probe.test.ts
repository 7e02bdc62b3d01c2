import { it } from 'vitest';
import { coordinatorMachine } from '../../actors/coordinator.ts';
import { partFileMachine } from '../../actors/partFile.ts';
import { start, step } from '../../actors/step.ts';
import { toDirectedGraph } from 'xstate/graph';
import { transition } from 'xstate';
it('x', () => {
  let s = start(coordinatorMachine, undefined);
  s = step(coordinatorMachine, s, { type: 'drainRequested', reason: 'end' }, 'c').state;
  s = step(coordinatorMachine, s, { type: 'drained' }, 'c').state;
  console.log(s.status, s.value);
  try { const r = step(coordinatorMachine, s, { type: 'drained' }, 'c'); console.log('not rejected', r.actions); } catch (e) { console.log('rejected', String(e)); }
  console.log(transition(coordinatorMachine, s, { type: 'drained' })[1]);
  const g = toDirectedGraph(coordinatorMachine);
  console.log(JSON.stringify(g, null, 1).slice(0, 3000));
  console.log(coordinatorMachine.root.transitions.keys(), coordinatorMachine.events);
  console.log(coordinatorMachine.getTransitionData(start(coordinatorMachine, undefined), { type: 'drained' } ));
  const p = start(partFileMachine, { partId: 'a', bucket: 'b' } as never);
  const r = step(partFileMachine, p, { type: 'epochClaimed' }, 'p');
  console.log(r.actions, r.state.value);
});
