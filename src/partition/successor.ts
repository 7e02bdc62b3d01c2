/** Whether who waits, and appends nothing by which it would notice, still owns its partition. */
import type { Clock } from '../system/clock.ts';

const LOOK_EVERY_MS = 10_000;

/**
 * Asks now and then whether another owner has claimed meanwhile: it may have decided, or retired, what this one still calls stopped. Where
 * the partition is this process's again by then, a claim tells how it stands.
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
