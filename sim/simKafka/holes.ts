import type { Workload } from '../schedule.ts';

/** Whether compaction has removed records before anybody read them. */
export function hasHoles({ partitions }: Workload): boolean {
  return partitions.some((items) => items.some(({ type }) => type === 'hole'));
}
