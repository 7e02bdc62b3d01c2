/** Numbers of findings, with their units. */

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1_000, 60_000, 3_600_000, 86_400_000] as const;

/** `1 file`, `3 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `850 MiB`, `12.3 GiB`. */
export function bytesText(bytes: number): string {
  if (bytes < MIB) return `${Math.round(bytes / 1024)} KiB`;
  return bytes < GIB ? `${Math.round(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
}

/** `1.4 ms`, `25 s`, `10 min`, `36 h`, `7 days`. */
export function durationText(ms: number): string {
  if (ms < SECOND_MS) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 2 * MINUTE_MS) return `${trimmed(ms / SECOND_MS)} s`;
  if (ms < 2 * HOUR_MS) return `${trimmed(ms / MINUTE_MS)} min`;
  return ms < 3 * DAY_MS ? `${trimmed(ms / HOUR_MS)} h` : `${trimmed(ms / DAY_MS)} days`;
}

const trimmed = (value: number): string => value.toFixed(1).replace(/\.0$/, '');
