/** Durations and sizes as people write them: a whole number and a unit, without a space. */

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

const DURATION_UNITS = Object.keys(MS_PER_UNIT);
const SIZE_UNITS = Object.keys(BYTES_PER_UNIT);

export const DURATION_PATTERN = new RegExp(`^\\d+(${DURATION_UNITS.join('|')})$`);
export const SIZE_PATTERN = new RegExp(`^\\d+(${SIZE_UNITS.join('|')})$`);

/** Timers count milliseconds in 31 bits; a longer time-out would fire at once. */
const DURATION_MS_MAX = 24 * 86_400_000;

export type UnitResult =
  { readonly type: 'parsed'; readonly value: number } | { readonly type: 'invalid'; readonly reason: string };

/** Milliseconds, 1 to 24 days. */
export function parseDuration(text: string): UnitResult {
  const result = parseUnit(text, MS_PER_UNIT, { what: 'duration', examples: ['10s', '500ms'] });
  if (result.type === 'invalid') return result;
  if (result.value < 1)
    return { type: 'invalid', reason: `"${text}" is no time at all; expected at least 1ms` };
  if (result.value > DURATION_MS_MAX)
    return { type: 'invalid', reason: `"${text}" is too long; expected at most 24d` };
  return result;
}

/**
 * Milliseconds of a time in the past, at least 1; unlike a duration that is waited for, it has no upper
 * bound.
 */
export function parseAge(text: string): UnitResult {
  return parseUnit(text, MS_PER_UNIT, { what: 'age', examples: ['7d', '12h'] });
}

/** Bytes, at least 1. */
export function parseSize(text: string): UnitResult {
  const result = parseUnit(text, BYTES_PER_UNIT, { what: 'size', examples: ['128MiB', '64MB'] });
  if (result.type === 'invalid') return result;
  if (result.value < 1) return { type: 'invalid', reason: `"${text}" is nothing; expected at least 1B` };
  if (!Number.isSafeInteger(result.value))
    return { type: 'invalid', reason: `"${text}" is too large; expected less than 8,000,000 GiB` };
  return result;
}

/** The problem of a value that is not a text; a plain number lacks its unit. */
export function unitMissing(value: unknown, kind: 'duration' | 'size'): string | null {
  if (typeof value !== 'number') return null;
  return kind === 'duration'
    ? `${value} has no unit; write for example ${value}s (units: ${DURATION_UNITS.join(', ')})`
    : `${value} has no unit; write for example ${value}MiB, or ${value}B for bytes (units: ` +
        `${SIZE_UNITS.join(', ')})`;
}

function parseUnit(
  text: string,
  units: Readonly<Record<string, number>>,
  { what, examples }: { what: string; examples: readonly string[] },
): UnitResult {
  const [, digits, unit] = /^(\d+)\s*([A-Za-zµ]*)$/.exec(text) ?? [];
  const expected =
    `a whole number and its unit, like ${examples.join(' or ')} (units: ` +
    `${Object.keys(units).join(', ')})`;
  if (digits === undefined || unit === undefined)
    return { type: 'invalid', reason: `"${text}" is no ${what}; expected ${expected}` };
  if (unit === '') return { type: 'invalid', reason: `"${text}" has no unit; expected ${expected}` };
  const factor = units[unit];
  if (factor === undefined)
    return { type: 'invalid', reason: `"${text}" has an unknown unit "${unit}"; expected ${expected}` };
  if (digits + unit !== text)
    return { type: 'invalid', reason: `"${text}" holds a blank; expected ${digits}${unit}` };
  return { type: 'parsed', value: Number(digits) * factor };
}
