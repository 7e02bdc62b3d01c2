/** Processes that die, freeze, come and go. */
import { z } from 'zod';
import {
  counted,
  drawNth,
  drawPlace,
  drawTimeMs,
  nthFields,
  PAUSES_MS,
  placed,
  pointFields,
  pointsOf,
  pointWords,
  processWords,
  SIDES,
} from './drawing.ts';
import type { KindsOf } from './kind.ts';

export const PROCESS_FAULTS: KindsOf<'crash' | 'pause' | 'kill' | 'freeze' | 'join' | 'leave' | 'powerCut'> =
  {
    crash: {
      weight: 12,
      schema: z.strictObject({ type: z.literal('crash'), ...nthFields, ...pointFields }),
      draw(context) {
        const { random, store } = context;
        const point = random.pick(pointsOf(store));
        return { type: 'crash', ...drawNth(context, point), point, side: random.pick(SIDES) };
      },
      words: (fault) => `crash of ${processWords(fault)} ${pointWords(fault)}`,
    },
    pause: {
      weight: 10,
      schema: z.strictObject({ type: z.literal('pause'), ...nthFields, ...pointFields, forMs: counted }),
      draw(context) {
        const { random, store } = context;
        const point = random.pick(pointsOf(store));
        const where = { point, side: random.pick(SIDES) };
        return { type: 'pause', ...drawNth(context, point), ...where, forMs: random.pick(PAUSES_MS) };
      },
      words: (fault) => `pause of ${processWords(fault)} for ${fault.forMs} ms ${pointWords(fault)}`,
    },
    kill: {
      weight: 2,
      schema: z.strictObject({ type: z.literal('kill'), process: placed, atMs: counted }),
      draw: (context) => ({ type: 'kill', process: drawPlace(context), atMs: drawTimeMs(context) }),
      words: ({ process, atMs }) => `the process in place ${process} is killed at ${atMs} ms`,
      strike({ process }, world) {
        world.processAt(process)?.kill();
      },
    },
    freeze: {
      weight: 3,
      schema: z.strictObject({ type: z.literal('freeze'), process: placed, atMs: counted, forMs: counted }),
      draw: (context) => ({
        ...{ type: 'freeze', process: drawPlace(context), atMs: drawTimeMs(context) },
        forMs: context.random.pick(PAUSES_MS),
      }),
      words: ({ process, atMs, forMs }) =>
        `the process in place ${process} is frozen for ${forMs} ms at ${atMs} ms`,
      strike({ process, forMs }, world) {
        world.processAt(process)?.pause(forMs);
        world.lasts(world.nowMs + forMs);
      },
    },
    join: {
      weight: 1,
      schema: z.strictObject({ type: z.literal('join'), process: placed, atMs: counted }),
      draw: (context) => ({ type: 'join', process: drawPlace(context), atMs: drawTimeMs(context) }),
      words: ({ process, atMs }) => `a process starts in place ${process} at ${atMs} ms`,
      strike({ process }, world) {
        world.start(process);
      },
    },
    leave: {
      weight: 1,
      schema: z.strictObject({ type: z.literal('leave'), process: placed, atMs: counted }),
      draw: (context) => ({ type: 'leave', process: drawPlace(context), atMs: drawTimeMs(context) }),
      words: ({ process, atMs }) => `the process in place ${process} is asked to stop at ${atMs} ms`,
      strike({ process }, world) {
        world.stop(process);
      },
    },
    powerCut: {
      weight: 1,
      schema: z.strictObject({ type: z.literal('powerCut'), atMs: counted }),
      draw: (context) => ({ type: 'powerCut', atMs: drawTimeMs(context) }),
      words: ({ atMs }) =>
        `power cut at ${atMs} ms: every process dies, what was not made durable may be gone`,
      strike(_fault, world) {
        world.powerCut();
      },
    },
  };
