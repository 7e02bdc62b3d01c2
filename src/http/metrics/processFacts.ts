/** What the system says of this process. */
import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

export function processFacts() {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1_000_000,
    residentBytes: process.memoryUsage.rss(),
    startedAtSeconds: performance.timeOrigin / 1_000,
    loopActiveSeconds: performance.eventLoopUtilization().active / 1_000,
  };
}

/** Null where the system does not tell, or has no descriptor left to look. */
export function openFds(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
