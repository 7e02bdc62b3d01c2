/** A coordinator's context that records what each dependency answered last. */
import { watched } from '../presence/dependencies.ts';
import type { Context } from '../job/context.ts';

export function watchedContext(context: Context): Context {
  const { ports, health } = context;
  const { dependencies } = health;
  return {
    ...context,
    ports: {
      ...ports,
      journal: watched(ports.journal, 'journal', dependencies),
      source: watched(ports.source, 'source', dependencies),
      store: watched(ports.store, 'destination', dependencies),
    },
  };
}
