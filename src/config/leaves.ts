/** The single values of a job file: how each is checked, said to be wrong, and turned into its typed form. */
import path from 'node:path';
import { z } from 'zod';
import { parseBucketPattern } from '../../actors/buckets/pattern.ts';
import type { StartFrom } from './startFrom.ts';
import { Secret } from './secret.ts';
import {
  DURATION_PATTERN,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
  unitMissing,
  type UnitResult,
} from './units.ts';

/** What the values of a job file refer to. */
export interface SchemaContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute folder where relative paths start. */
  readonly baseDir: string;
  readonly isReadableFile: (file: string) => boolean;
}

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
    return `${kindOf(issue.input)}${isUnquoted ? ' (in quotes it would be a text)' : ''}; expected ${expected}`;
  };
}

/** Names the kind, not the value: it may be a secret at the wrong place. */
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

/** A text that `check` accepts (null) or says what is wrong with. */
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

/** In milliseconds; `secondsMin` is the least that makes sense. */
export const duration = (secondsMin?: number) =>
  unitText(
    'duration',
    DURATION_PATTERN,
    parseDuration,
    secondsMin === undefined ? null : { value: secondsMin * 1_000, text: `${secondsMin}s` },
  );
/** In bytes. */
export const size = () => unitText('size', SIZE_PATTERN, parseSize);

/** What a shell would replace in a path and nobody else does: it would be the name of a folder. */
export function shellOnlyProblem(value: string): string | null {
  const [, steps = value] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(.*)$/s.exec(value) ?? [];
  if (steps.startsWith('~'))
    return 'begins with "~", which only a shell replaces: write the whole path (a name that begins so: ./~name)';
  return /\$\{|(^|\/)\$[A-Za-z_(]/.test(steps)
    ? 'holds a variable like ${NAME}, which nothing replaces: write the path out, or set the key by -D in a shell'
    : null;
}

/** An existing file, as its absolute path. */
export function existingFile({ baseDir, isReadableFile }: SchemaContext, what: string) {
  return text(what, shellOnlyProblem).transform((value, context) => {
    const file = path.resolve(baseDir, value);
    if (!isReadableFile(file)) {
      context.addIssue({ code: 'custom', message: `"${value}" cannot be read (${file}); expected ${what}` });
      return z.NEVER;
    }
    return file;
  });
}

/** A path that need not exist yet, absolute. */
export function filePath({ baseDir }: SchemaContext, what: string) {
  return text(what, (value) => (hasScheme(value) ? 'is a URL' : shellOnlyProblem(value))).transform((value) =>
    path.resolve(baseDir, value),
  );
}

/** A secret, as it stands or as `{ env: VARIABLE }`. Never shown in a message. */
export function secret({ env }: SchemaContext) {
  const expected = 'a text or { env: VARIABLE }';
  return z
    .union(
      [
        z.string(),
        z.strictObject({
          env: matchingText('the name of an environment variable', /^[A-Za-z_][A-Za-z0-9_]*$/),
        }),
      ],
      {
        error: expecting(expected),
      },
    )
    .transform((value, context) => {
      const revealed = typeof value === 'string' ? value : env[value.env];
      if (revealed !== undefined && revealed !== '') return new Secret(revealed);
      const wrong =
        typeof value === 'string' ? 'is empty' : `the environment variable ${value.env} is not set`;
      context.addIssue({ code: 'custom', message: `${wrong}; expected ${expected}` });
      return z.NEVER;
    });
}

export function timezone() {
  return text('an IANA time zone, like UTC or Europe/Berlin', (value) => {
    if (/^[+-]/.test(value)) return `"${value}" is an offset`;
    try {
      new Intl.DateTimeFormat('en', { timeZone: value });
      return null;
    } catch (error) {
      if (error instanceof RangeError) return `"${value}" is no time zone that this Node knows`;
      throw error;
    }
  });
}

export function bucketPattern() {
  const examples = ['yyyy-MM-dd--HH', "'dt='yyyy-MM-dd/'hr='HH"];
  return text('a pattern like yyyy-MM-dd--HH')
    .meta({ examples })
    .transform((value, context) => {
      const result = parseBucketPattern(value);
      if (result.type === 'parsed') return result.pattern;
      const place = result.at === null ? '' : ` at character ${result.at}`;
      context.addIssue({
        code: 'custom',
        message: `"${value}" is wrong${place}: ${result.reason}; expected a pattern like yyyy-MM-dd--HH`,
      });
      return z.NEVER;
    });
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

export function startFrom() {
  const expected = 'earliest, latest, group, or a time with its zone like 2026-01-31T08:00:00Z';
  const examples = ['earliest', 'latest', 'group', '2026-01-31T08:00:00Z'];
  return text(expected)
    .meta({ examples })
    .transform((value, context): StartFrom => {
      if (value === 'earliest' || value === 'latest' || value === 'group') return { type: value };
      const atMs = ISO_TIME.test(value) && isRealDate(value) ? Date.parse(value) : Number.NaN;
      if (!Number.isNaN(atMs)) return { type: 'time', atMs };
      context.addIssue({ code: 'custom', message: `"${value}" is unknown; expected ${expected}` });
      return z.NEVER;
    });
}

/** Date.parse takes 2026-02-30 for March 2. */
function isRealDate(value: string): boolean {
  const day = value.slice(0, 10);
  const atMs = Date.parse(day);
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(day);
}

const NAME_BYTES_MAX = 32;

/** Begin or end of the name of a part file. */
export function nameAffix(kind: 'prefix' | 'suffix') {
  const expected = `a text of at most ${NAME_BYTES_MAX} bytes without "/", "\\" or control characters`;
  return z.string({ error: expecting(expected) }).superRefine((value, context) => {
    const wrong = affixProblem(value, kind);
    if (wrong !== null)
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(value)} ${wrong}; expected ${expected}`,
      });
  });
}

function affixProblem(value: string, kind: 'prefix' | 'suffix'): string | null {
  if (kind === 'prefix' && value === '') return 'is empty';
  if (kind === 'prefix' && /^[._]/.test(value))
    return `begins with "${value.charAt(0)}", which readers take for hidden`;
  if (/[/\\]/.test(value)) return 'holds a separator of folders (folders belong into bucket.pattern)';
  if (/\p{Cc}/u.test(value) || !value.isWellFormed()) return 'holds a control character';
  if (Buffer.byteLength(value) > NAME_BYTES_MAX) return 'is too long';
  return null;
}

export function hasScheme(value: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]+:(\/\/|\/)/.test(value);
}
