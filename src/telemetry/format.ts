/** Numbers for people. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1,707`. Whole numbers only. Does not use Intl, since loading it takes a tenth of the start. */
export function formatCount(count: number | bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit] ?? ''}`;
}

const TIME_UNITS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const;

/** `250 ms`, `12.3 s`, `10 min`, `1.5 h`, `3 d`. */
export function formatDuration(durationMs: number): string {
  const { unit, ms } = TIME_UNITS.find((each) => durationMs >= each.ms) ?? { unit: 'ms', ms: 1 };
  const value = durationMs / ms;
  return `${value >= 100 ? value.toFixed(0) : String(Math.round(value * 10) / 10)} ${unit}`;
}

/** `1 file`, `1,707 records`. */
export function formatNoun(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const AGE_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** `3d 4h`, `12m 5s`, `0s`: the two largest units, rounded down. */
export function formatAge(ageMs: number): string {
  const first = AGE_UNITS.findIndex(([, unitMs]) => ageMs >= unitMs);
  if (first === -1) return '0s';
  let restMs = ageMs;
  const parts = AGE_UNITS.slice(first, first + 2).map(([unit, unitMs]) => {
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    return { count, text: `${count}${unit}` };
  });
  return parts
    .filter(({ count }) => count > 0)
    .map(({ text }) => text)
    .join(' ');
}

const NAMED_MAX = 20;

/** The first of these names, as a message lists them: `a, b and 3 more`. */
export function formatNames(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  return `${names.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
