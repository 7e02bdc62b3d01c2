/** Faults of the consumer group and of the logs. */
import { z } from 'zod';
import { counted, drawTimeMs, placed } from './drawing.ts';
import type { KindsOf } from './kind.ts';

/** Before this the job may not have started, and would take another log for its own. */
const REPLACED_FROM_MS = 300;
const KEPT_BATCHES = [0, 1, 2, 4] as const;

export const KAFKA_FAULTS: KindsOf<'rebalance' | 'replaceTopic' | 'expire'> = {
  rebalance: {
    weight: 2,
    schema: z.strictObject({ type: z.literal('rebalance'), atMs: counted }),
    draw: (context) => ({ type: 'rebalance', atMs: drawTimeMs(context) }),
    words: ({ atMs }) => `the group assigns its partitions anew at ${atMs} ms`,
    strike(_fault, world) {
      world.kafka.group.rebalance();
    },
  },
  replaceTopic: {
    weight: 1,
    isHarm: true,
    schema: z.strictObject({ type: z.literal('replaceTopic'), atMs: counted, cluster: z.boolean() }),
    draw: (context) => ({
      ...{ type: 'replaceTopic', atMs: REPLACED_FROM_MS + drawTimeMs(context) },
      cluster: context.random.percent(50),
    }),
    words: ({ atMs, cluster }) =>
      cluster
        ? `at ${atMs} ms the brokers are those of another cluster, with other records`
        : `at ${atMs} ms the topic is deleted and made again, with other records`,
    strike({ cluster }, world) {
      if (!world.kafka.replace(cluster)) return;
      world.harmed({
        type: 'replaceTopic',
        partition: null,
        codes: ['SOURCE_REPLACED', 'SOURCE_BEYOND_END', 'SOURCE_TRUNCATED'],
      });
    },
  },
  expire: {
    weight: 1,
    isHarm: true,
    schema: z.strictObject({ type: z.literal('expire'), partition: placed, atMs: counted, keep: counted }),
    draw: (context) => ({
      ...{ type: 'expire', partition: context.random.below(context.partitions), atMs: drawTimeMs(context) },
      keep: context.random.pick(KEPT_BATCHES),
    }),
    words: ({ partition, atMs, keep }) =>
      `at ${atMs} ms partition ${partition} loses all but its ${keep} newest batches to retention`,
    strike({ partition, keep }, world) {
      if (!world.kafka.expire(partition, keep)) return;
      world.harmed({ type: 'expire', partition, codes: ['SOURCE_RANGE_LOST'] });
    },
  },
};
