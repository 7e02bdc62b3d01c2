import { createMemoryPresence, createPresenceBacking } from '../../../journal/memory/presence.ts';
import { presenceConformance } from './suite.ts';

presenceConformance(async () => {
  const backing = createPresenceBacking();
  return {
    coordinators: 'many',
    open: async () => createMemoryPresence({ backing, nowMs: () => performance.now() }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});
