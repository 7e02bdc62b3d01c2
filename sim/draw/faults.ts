/**
 * Drawn faults, swarm style. Each schedule first draws which kinds it may have, so that a kind that hides
 * another one does not do so in every schedule.
 */
import type { DrawContext } from '../faults/kind.ts';
import { drawFaultOf, DRAWN_TYPES, isHarm, isOf, weightOf } from '../faults/registry.ts';
import type { SeededRandom } from '../random.ts';
import type { Fault, StoreKind } from '../schedule.ts';

const FAULTS_MAX = 14;
const KINDS_MIN = 3;
/** In percent: of schedules with faults that end in a stop, and of the kinds of a schedule. */
const HARM_SHARE = 12;
const ENABLED_SHARES = [25, 50, 80] as const;

export function drawFaults(context: DrawContext): Fault[] {
  const { random, store } = context;
  const enabled = drawEnabled(random, store);
  return Array.from({ length: random.below(FAULTS_MAX + 1) }, () => drawFault(context, enabled));
}

/** One fault of the enabled kinds. */
export function drawFault(context: DrawContext, enabled: readonly Fault['type'][] = CALM_TYPES): Fault {
  const possible = enabled.filter((type) => isOf(type, context.store));
  return drawFaultOf(context.random.weighted(possible, weightOf), context);
}

const CALM_TYPES = DRAWN_TYPES.filter((type) => !isHarm(type));

function drawEnabled(random: SeededRandom, store: StoreKind): readonly Fault['type'][] {
  const drawn = random.percent(HARM_SHARE) ? DRAWN_TYPES : CALM_TYPES;
  const all = drawn.filter((type) => isOf(type, store));
  const share = random.pick(ENABLED_SHARES);
  const enabled = new Set(all.filter(() => random.percent(share)));
  while (enabled.size < KINDS_MIN) enabled.add(random.pick(all));
  return [...enabled];
}
