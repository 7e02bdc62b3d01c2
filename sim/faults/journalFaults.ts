/** A journal that went back, or that was damaged: a stop is right then. */
import { z } from 'zod';
import { counted, drawTimeMs, placed } from './drawing.ts';
import type { KindsOf } from './kind.ts';

const LOST_ENTRIES_MAX = 12;
/** A claim that had read the entry before it was damaged may still be under way. */
const UNDER_WAY_MS = 3_000;
/** Snapshot interval of a schedule without snapshots: none has that many entries. */
const SNAPSHOTS_NONE = 1_000;

/** If no witness remembers the lost entries themselves, their effects on files are reported. */
const BACK = ['JOURNAL_ROLLED_BACK', 'STORE_FILE_MISSING', 'STORE_CONTENT_DIFFERS'] as const;
/** An owner that keeps running may meet the entries of another, which has begun where its own are gone. */
const CORRUPT = ['JOURNAL_CORRUPT'] as const;

export const JOURNAL_FAULTS: KindsOf<'journalBack' | 'journalDamage'> = {
  journalBack: {
    weight: 1,
    isHarm: true,
    schema: z.strictObject({
      ...{ type: z.literal('journalBack'), atMs: counted, entries: counted, running: z.boolean() },
    }),
    draw: (context) => ({
      ...{ type: 'journalBack', atMs: drawTimeMs(context) },
      entries: 1 + context.random.below(LOST_ENTRIES_MAX),
      running: context.random.percent(30),
    }),
    words: ({ atMs, entries, running }) =>
      `at ${atMs} ms the journal loses its last ${entries} entries` +
      (running ? ', while everybody runs' : '; everybody was stopped, and starts again'),
    strike({ entries, running }, world) {
      if (!running) world.killAll();
      const revision = world.journal.goBack(entries, running);
      if (revision === null) return;
      world.journalCut(revision);
      world.harmed({ type: 'journalBack', partition: null, codes: [...BACK, ...(running ? CORRUPT : [])] });
    },
  },
  journalDamage: {
    weight: 1,
    isHarm: true,
    schema: z.strictObject({ type: z.literal('journalDamage'), partition: placed, atMs: counted }),
    draw: (context) => ({
      ...{ type: 'journalDamage', partition: context.random.below(context.partitions) },
      atMs: drawTimeMs(context),
    }),
    words: ({ atMs, partition }) => `at ${atMs} ms a digit of partition ${partition}'s journal is flipped`,
    strike({ partition }, world) {
      if (!world.journal.damage(partition, world.random)) return;
      // A snapshot may cover the changed entry; then nobody reads that entry again.
      const isRead = world.config.snapshotEntries >= SNAPSHOTS_NONE;
      world.harmed({
        ...{ type: 'journalDamage', partition, codes: ['JOURNAL_CORRUPT'] },
        ...(isRead ? { noClaimFromMs: world.nowMs + UNDER_WAY_MS } : {}),
      });
    },
  },
};
