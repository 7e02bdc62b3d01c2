/** Whether a waiting process still owns its partition. It appends nothing, so it would not notice. */
import type { Clock } from '../system/clock.ts';

const LOOK_EVERY_MS = 10_000;

/**
 * Checks at intervals whether another owner has claimed: that owner may have decided a request, or retired
 * the partition, which is still stopped here. If the partition has since returned to this process, a new
 * claim shows its state.
 */
export function successorLook(
  clock: Clock,
  epoch: { hasSuccessor(): Promise<boolean> } | null,
): () => Promise<boolean> {
  let nextMs = clock.nowMs() + LOOK_EVERY_MS;
  return async () => {
    if (epoch === null || clock.nowMs() < nextMs) return false;
    nextMs = clock.nowMs() + LOOK_EVERY_MS;
    return epoch.hasSuccessor();
  };
}
