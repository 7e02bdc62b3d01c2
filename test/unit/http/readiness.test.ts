import { expect, test } from 'vitest';
import { readinessOf } from '../../../src/http/readiness.ts';
import type { Coordinator } from '../../../src/run/coordinator.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { ConditionBoard } from '../../../src/telemetry/conditions.ts';
import { silentLog } from '../../../src/telemetry/log.ts';

const conditions = new ConditionBoard({ clock: systemClock, log: silentLog });
const ok = { state: 'ok', code: null, message: null, sinceMs: 0, atMs: 0 };

function coordinator(destination: object): Coordinator {
  const answers = { source: ok, journal: ok, destination: { ...ok, ...destination } };
  const made = { hasJoined: true, health: { dependencies: { answers } }, runners: () => [] };
  return made as unknown as Coordinator;
}

test.each([
  [{}, 'ready'],
  [{ state: 'unknown' }, 'ready'],
  [{ state: 'error', code: 'STORE_UNAVAILABLE', message: 'away' }, 'not ready'],
  [{ state: 'error', code: 'STORE_AUTHENTICATION', message: 'refused' }, 'not ready'],
  [{ state: 'error', code: null, message: 'something' }, 'not ready'],
  // A person decides about one partition.
  [{ state: 'error', code: 'STORE_CONTENT_DIFFERS', message: 'differs' }, 'ready'],
])('a destination that is %o is %s', (destination, status) => {
  expect(readinessOf(coordinator(destination), { isDraining: false, conditions })).toMatchObject({ status });
});

test('a coordinator that stops is not ready, nor is one without its journal', () => {
  const draining = readinessOf(coordinator({}), { isDraining: true, conditions });
  expect(draining).toMatchObject({ status: 'not ready', reasons: ['it is stopping'] });
  const waiting = readinessOf(null, { isDraining: false, conditions });
  expect(waiting).toMatchObject({ status: 'not ready', reasons: ['the journal is not open yet'] });
});
