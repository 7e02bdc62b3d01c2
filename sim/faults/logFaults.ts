/** Elections of a new leader for a partition: one that has everything, or one that lacks what was read. */
import { z } from 'zod';
import { counted, drawTimeMs, placed } from './drawing.ts';
import type { KindsOf } from './kind.ts';

const LOST_BATCHES = [1, 1, 2, 3, 9] as const;
/** Usually more than is lost: a log that is as long as before is the hardest to detect. */
const GROWN_RECORDS = [0, 3, 6, 12, 20] as const;

export const LOG_FAULTS: KindsOf<'election' | 'logTruncated'> = {
  election: {
    weight: 1,
    schema: z.strictObject({
      ...{ type: z.literal('election'), partition: placed, atMs: counted },
      rebuilt: z.boolean().optional(),
    }),
    draw: (context) => ({
      ...{ type: 'election', partition: context.random.below(context.partitions) },
      ...{ atMs: drawTimeMs(context), rebuilt: context.random.percent(25) },
    }),
    words: ({ partition, atMs, rebuilt }) =>
      `at ${atMs} ms another leader takes over partition ${partition}, and has ` +
      `everything${rebuilt === true ? ' that compaction has left' : ''}`,
    strike({ partition, rebuilt }, world) {
      world.kafka.elect(partition, rebuilt);
    },
  },
  logTruncated: {
    weight: 2,
    isHarm: true,
    schema: z.strictObject({
      ...{ type: z.literal('logTruncated'), partition: placed, atMs: counted },
      ...{ batches: counted, grown: z.number().int().min(0).max(1_000), unseen: z.boolean() },
    }),
    draw: (context) => ({
      ...{ type: 'logTruncated', partition: context.random.below(context.partitions) },
      ...{ atMs: drawTimeMs(context), batches: context.random.pick(LOST_BATCHES) },
      ...{ grown: context.random.pick(GROWN_RECORDS), unseen: context.random.percent(25) },
    }),
    words: ({ partition, atMs, batches, grown, unseen }) =>
      `at ${atMs} ms a leader takes over partition ${partition} that lacks its ${batches} newest ` +
      `batches; ${grown} other records take ` +
      `their offsets${unseen ? ', of an earlier leader epoch' : ''}`,
    strike({ partition, batches, grown, unseen }, world) {
      if (world.kafka.cut(partition, { batches, grown, unseen }) === null) return;
      world.logCut();
      world.harmed({ type: 'logTruncated', partition, codes: ['SOURCE_TRUNCATED'] });
    },
  },
};
