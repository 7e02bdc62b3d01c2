/** What happens to the destination, independent of callers. */
import { z } from 'zod';
import { counted, drawTimeMs, placed } from './drawing.ts';
import { drawDamage, isMendable, unpublishedFiles } from './damage.ts';
import type { DrawContext, KindsOf } from './kind.ts';

/** Shorter than a checkpoint, a few checkpoints, longer than an epoch is retried. */
const FULL_MS = [80, 600, 2_500, 6_000] as const;
/** A record has four to six bytes, a name takes one. */
const FREE_BYTES_MAX = 30;

const READ_MS = [100, 1_000, 5_000] as const;
const EVERY_MS = [1, 3, 20, 150] as const;
const readerFields = { atMs: counted, forMs: counted, everyMs: z.number().int().min(1).max(1_000_000) };

const drawReader = (context: DrawContext) => ({
  ...{ atMs: drawTimeMs(context), forMs: context.random.pick(READ_MS) },
  everyMs: context.random.pick(EVERY_MS),
});

export const STORE_FAULTS: KindsOf<'full' | 'reader' | 'hastyReader' | 'backup' | 'damage'> = {
  reader: {
    weight: 2,
    schema: z.strictObject({ type: z.literal('reader'), ...readerFields }),
    draw: (context) => ({ type: 'reader', ...drawReader(context) }),
    words: ({ atMs, forMs, everyMs }) =>
      `at ${atMs} ms, for ${forMs} ms, a reader takes away every ${everyMs} ms what is journaled ` +
      'as committed',
    strike({ forMs, everyMs }, world) {
      world.read(everyMs, forMs, false);
    },
  },
  hastyReader: {
    weight: 1,
    isHarm: true,
    schema: z.strictObject({ type: z.literal('hastyReader'), ...readerFields }),
    draw: (context) => ({ type: 'hastyReader', ...drawReader(context) }),
    words: ({ atMs, forMs, everyMs }) =>
      `at ${atMs} ms, for ${forMs} ms, a reader takes away every ${everyMs} ms whatever it sees`,
    strike({ forMs, everyMs }, world) {
      world.read(everyMs, forMs, true);
    },
  },
  backup: {
    weight: 1,
    stores: ['file'],
    schema: z.strictObject({ type: z.literal('backup'), ...readerFields }),
    draw: (context) => ({ type: 'backup', ...drawReader(context) }),
    words: ({ atMs, forMs, everyMs }) =>
      `at ${atMs} ms, for ${forMs} ms, a backup of hard links is taken every ${everyMs} ms`,
    strike({ forMs, everyMs }, world) {
      world.backUp(everyMs, forMs);
    },
  },
  damage: {
    weight: 0,
    isHarm: true,
    schema: z.strictObject({
      ...{ type: z.literal('damage'), partition: placed, atMs: counted },
      ...{ how: z.enum(['removed', 'changed']), all: z.boolean(), killed: z.boolean() },
    }),
    draw: (context) => drawDamage(context, drawTimeMs(context)),
    words: ({ partition, atMs, how, all, killed }) =>
      `at ${atMs} ms ${all ? 'all unpublished files' : 'an unpublished file'} of partition ${partition} ` +
      (how === 'removed' ? 'are removed' : 'have a byte changed') +
      `${killed ? ', after every process died' : ''}; ` +
      'from then on an operator asks for repairs',
    strike({ partition, how, all, killed }, world) {
      if (killed || how === 'changed') world.killAll();
      const files = unpublishedFiles(world.entries, partition, how);
      if (files.length === 0) return;
      const damaged = all ? files : [world.random.pick(files)];
      if (!damaged.map((file) => world.store.damage(file, how)).includes(true)) return;
      world.harmed({
        ...{ type: 'damage', partition, codes: ['STORE_FILE_MISSING', 'STORE_CONTENT_DIFFERS'] },
        isMendable: isMendable(world.schedule),
      });
      world.repair();
    },
  },
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
