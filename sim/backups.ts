/**
 * Takes backups of the destination by hard links for a time. Each replaces the previous one; the last one is
 * deleted in the end.
 */
import type { Scheduler } from './scheduler.ts';
import type { SimStoreServer } from './simStores/port.ts';

export function startBackups(
  scheduler: Scheduler,
  store: SimStoreServer,
  { untilMs, everyMs }: { readonly untilMs: number; readonly everyMs: number },
): void {
  const backUp = (): void => {
    if (scheduler.nowMs >= untilMs) {
      store.deleteBackups?.();
      return;
    }
    store.backUp?.();
    scheduler.after(everyMs, null, backUp);
  };
  backUp();
}
