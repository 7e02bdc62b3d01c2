/**
 * Whether a coordinator does its part now. A stopped partition waits for an operator and is shown; it does
 * not make the others' process unready.
 */
import { ERROR_CODES } from '../../journal/errors.ts';
import type { Coordinator } from '../run/coordinator.ts';
import type { DependencyAnswer, DependencyName } from '../presence/record.ts';
import type { Conditions } from '../telemetry/conditions.ts';

/** Stops that are listed; the others are counted. */
const STOPS_MAX = 100;

export interface Readiness {
  readonly status: 'ready' | 'not ready';
  /** Why it is not ready, as sentences; empty if it is. */
  readonly reasons: readonly string[];
  readonly dependencies: readonly DependencyState[];
  readonly partitions: Readonly<Record<'claiming' | 'running' | 'stopped' | 'halted', number>>;
  readonly stopped: readonly StoppedState[];
}

interface DependencyState {
  readonly name: DependencyName;
  readonly state: DependencyAnswer['state'];
  readonly code: string | null;
  readonly message: string | null;
  readonly since: string;
}

interface StoppedState {
  readonly topic: string;
  readonly partition: number;
  readonly state: 'stopped' | 'halted';
  readonly code: string;
  readonly message: string;
}

export function readinessOf(
  coordinator: Coordinator | null,
  { isDraining, conditions }: { readonly isDraining: boolean; readonly conditions: Conditions },
): Readiness {
  const dependencies = coordinator === null ? [] : dependencyStates(coordinator);
  const partitions = { claiming: 0, running: 0, stopped: 0, halted: 0 };
  const stopped: StoppedState[] = [];
  for (const { state, stop, task } of coordinator?.runners() ?? []) {
    partitions[state] += 1;
    if (stop === null || (state !== 'stopped' && state !== 'halted')) continue;
    const { code, message } = stop;
    if (stopped.length < STOPS_MAX) stopped.push({ ...task.partition, state, code, message });
  }
  const reasons = [
    ...(isDraining ? ['it is stopping'] : []),
    ...(coordinator === null ? waitsFor(conditions) : []),
    ...(coordinator?.hasJoined === false ? ['the source has assigned nothing yet'] : []),
    ...dependencies
      .filter(isAway)
      .map(({ name, code, message }) => `the ${name}: ${code ?? 'UNKNOWN'}: ${message ?? 'no reason'}`),
  ];
  return {
    ...{ status: reasons.length === 0 ? 'ready' : 'not ready', reasons, dependencies, partitions, stopped },
  };
}

function dependencyStates({ health }: Coordinator): DependencyState[] {
  const { answers } = health.dependencies;
  return (['source', 'journal', 'destination'] as const).map((name) => {
    const { state, code, message, sinceMs } = answers[name];
    return { name, state, code, message, since: new Date(sinceMs).toISOString() };
  });
}

/** What a person has to decide about one partition is an answer of its dependency. */
function isAway({ state, code }: DependencyState): boolean {
  if (state !== 'error') return false;
  const known = Object.entries(ERROR_CODES).find(([name]) => name === code);
  return known === undefined || known[1].retry === 'transient' || known[1].retry === 'config';
}

function waitsFor(conditions: Conditions): string[] {
  const waits = conditions.list().filter(({ kind }) => kind === 'waiting');
  return [
    'the journal is not open yet',
    ...waits.map(({ about, code, message }) => `${about}: ${code}: ${message}`),
  ];
}
