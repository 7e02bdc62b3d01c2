/** What becomes of the destination, whoever calls it. */
import { z } from 'zod';
import { counted, drawTimeMs } from './drawing.ts';
import type { KindsOf } from './kind.ts';

/** For less than a checkpoint, for some, for longer than an epoch is tried. */
const FULL_MS = [80, 600, 2_500, 6_000] as const;
/** A record has four to six bytes, a name takes one. */
const FREE_BYTES_MAX = 30;

export const STORE_FAULTS: KindsOf<'full'> = {
  full: {
    weight: 2,
    stores: ['file'],
    schema: z.strictObject({
      ...{ type: z.literal('full'), atMs: counted, forMs: counted, freeBytes: counted },
      withJournal: z.boolean(),
    }),
    draw: (context) => ({
      ...{ type: 'full', atMs: drawTimeMs(context), forMs: context.random.pick(FULL_MS) },
      freeBytes: context.random.below(FREE_BYTES_MAX),
      withJournal: context.random.percent(25),
    }),
    words: ({ atMs, forMs, freeBytes, withJournal }) =>
      `at ${atMs} ms, for ${forMs} ms, the disk has room for ${freeBytes} bytes` +
      (withJournal ? ', and the journal is on it' : ''),
    strike({ forMs, freeBytes, withJournal }, world) {
      world.fill(freeBytes, forMs, withJournal);
    },
  },
};
