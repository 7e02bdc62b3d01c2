/** Single values of a job file: how each is checked, its error message, and its typed form. */
import { z } from 'zod';
import {
  DURATION_PATTERN,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
  unitMissing,
  type UnitResult,
} from './units.ts';

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/** "What is wrong; what is expected" for a value that has the wrong type or is missing. */
export function expecting(expected: string): (issue: RawIssue) => string {
  return (issue) => {
    if (issue.input === undefined) return `is missing; expected ${expected}`;
    if (issue.code === 'invalid_value') return `${quoted(issue.input)} is unknown; expected ${expected}`;
    const isUnquoted =
      issue.code === 'invalid_type' &&
      issue.expected === 'string' &&
      /^(number|boolean)$/.test(typeof issue.input);
    return (
      `${kindOf(issue.input)}${isUnquoted ? ' (in quotes it would be a text)' : ''}; ` +
      `expected ${expected}`
    );
  };
}

/** Names the kind, not the value, which may be a misplaced secret. */
function kindOf(value: unknown): string {
  if (value === null) return 'is empty';
  if (Array.isArray(value)) return 'is a list';
  if (typeof value === 'string') return value === '' ? 'is empty' : 'is a text';
  if (typeof value === 'number') return 'is a number';
  if (typeof value === 'boolean') return 'is true or false';
  return 'is a map';
}

function quoted(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? JSON.stringify(value)
    : 'this value';
}

/** A text that `check` accepts (null) or returns a problem for. */
export function text(expected: string, check: (value: string) => string | null = () => null) {
  return z.string({ error: expecting(expected) }).superRefine((value, context) => {
    const wrong = value === '' ? 'is empty' : check(value);
    if (wrong !== null) context.addIssue({ code: 'custom', message: `${wrong}; expected ${expected}` });
  });
}

export function matchingText(expected: string, pattern: RegExp) {
  return z
    .string({ error: expecting(expected) })
    .regex(pattern, { error: (issue) => `${quoted(issue.input)} is not allowed; expected ${expected}` });
}

function unitText(
  kind: 'duration' | 'size',
  pattern: RegExp,
  parse: (value: string) => UnitResult,
  least: { readonly value: number; readonly text: string } | null = null,
) {
  const expected =
    kind === 'duration' ? 'a duration with its unit, like 10s' : 'a size with its unit, like 128MiB';
  return z
    .string({ error: (issue) => unitMissing(issue.input, kind) ?? expecting(expected)(issue) })
    .meta({ pattern: pattern.source })
    .transform((value, context) => {
      const result = parse(value);
      const wrong =
        result.type === 'parsed' && least !== null && result.value < least.value
          ? `"${value}" is too short; expected at least ${least.text}`
          : null;
      if (result.type === 'parsed' && wrong === null) return result.value;
      context.addIssue({
        code: 'custom',
        message: result.type === 'invalid' ? result.reason : (wrong ?? ''),
      });
      return z.NEVER;
    });
}

/** In milliseconds; `secondsMin` is the least useful value. */
export const duration = (secondsMin?: number) =>
  unitText(
    'duration',
    DURATION_PATTERN,
    parseDuration,
    secondsMin === undefined ? null : { value: secondsMin * 1_000, text: `${secondsMin}s` },
  );
/** In bytes. */
export const size = () => unitText('size', SIZE_PATTERN, parseSize);

/** A whole number, 1 at least. */
export const count = (expected: string) =>
  z.int({ error: expecting(expected) }).min(1, { error: `is less than 1; expected ${expected}` });

/** Control characters, or text that is not well-formed. */
export function hasControl(value: string): boolean {
  return /\p{Cc}/u.test(value) || !value.isWellFormed();
}
