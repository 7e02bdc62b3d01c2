/** What happens to the second topic: coordinators that name it and that do not, and its end. */
import { z } from 'zod';
import { counted, drawPlace, drawTimeMs, placed } from './drawing.ts';
import type { KindsOf } from './kind.ts';

export const TOPIC_FAULTS: KindsOf<'deploy' | 'deleteTopic'> = {
  deploy: {
    weight: 1,
    schema: z.strictObject({
      ...{ type: z.literal('deploy'), process: placed, atMs: counted, second: z.boolean() },
    }),
    draw: (context) => ({
      ...{ type: 'deploy', process: drawPlace(context), atMs: drawTimeMs(context) },
      second: context.random.percent(60),
    }),
    words: ({ process, atMs, second }) =>
      `at ${atMs} ms the process in place ${process} drains, and starts again with a ` +
      'configuration that names ' +
      (second ? 'both topics' : 'the first topic alone'),
    strike({ process, second }, world) {
      world.kafka.topics.configure(process, second);
      world.restart(process);
      if (second) return;
      for (const partition of world.kafka.topics.ofSecond) {
        world.mayBeUnread();
        world.harmed({ type: 'deploy', partition, codes: [] });
      }
    },
  },
  deleteTopic: {
    weight: 1,
    isHarm: true,
    schema: z.strictObject({ type: z.literal('deleteTopic'), atMs: counted }),
    draw: (context) => ({ type: 'deleteTopic', atMs: drawTimeMs(context) }),
    words: ({ atMs }) => `at ${atMs} ms the second topic is deleted`,
    strike(_fault, world) {
      for (const partition of world.kafka.deleteSecond()) {
        world.mayBeUnread();
        world.harmed({ type: 'deleteTopic', partition, codes: ['SOURCE_REPLACED'] });
      }
    },
  },
};
