/** Backups of hard links of the destination, for a time: each takes the place of the one before, and in the end the last one goes. */
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
