/** Converts values for a log: errors to facts, big numbers to text, secrets never written. */
import { TidemarkError } from '../../journal/errors.ts';

const SECRET_KEY = /pass(word|phrase)?$|secret|token|^sasl|credential|authorization|api_?key|private_?key/i;
const HIDDEN = '[secret]';
const DEPTH_MAX = 8;

export interface LoggableError {
  readonly code: string;
  readonly message: string;
  readonly fields?: unknown;
  readonly cause?: unknown;
  /** Only for a bug or a foreign failure. Other errors say everything in their message. */
  readonly stack?: string | undefined;
}

/** The same facts, fit for a log line. */
function toLoggable(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return toLoggableError(value, depth);
  if (depth >= DEPTH_MAX) return '[deeper]';
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.map((element) => toLoggable(element, depth + 1));
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return (value as { toJSON: () => unknown }).toJSON();
  return toLoggableFields(value, depth);
}

export function toLoggableFields(fields: object, depth = 0): Record<string, unknown> {
  const loggable: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    loggable[key] = SECRET_KEY.test(key) ? HIDDEN : toLoggable(value, depth + 1);
  }
  return loggable;
}

/** `hasStack` comes from the error that this one caused: a bug is logged with all its stacks. */
function toLoggableError(
  error: Error,
  depth: number,
  hasStack: boolean = isUnexpected(error),
): LoggableError {
  const { cause } = error;
  const deeper =
    depth >= DEPTH_MAX
      ? '[deeper]'
      : cause instanceof Error
        ? toLoggableError(cause, depth + 1, hasStack)
        : toLoggable(cause, depth + 1);
  return {
    code: codeOf(error),
    message: error.message,
    ...(error instanceof TidemarkError && Object.keys(error.fields).length > 0
      ? { fields: toLoggableFields(error.fields) }
      : {}),
    ...(cause === undefined ? {} : { cause: deeper }),
    ...(hasStack && error.stack !== undefined ? { stack: error.stack } : {}),
  };
}

function isUnexpected(error: Error): boolean {
  return !(error instanceof TidemarkError) || error.retry === 'bug';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** An error as lines for people: the error, then its causes. */
export function errorLines(error: unknown): string[] {
  return loggedErrorLines(toLoggable(error));
}

/** The same for an error that `toLoggable` has converted. */
export function loggedErrorLines(error: unknown): string[] {
  const lines: string[] = [];
  let at = error;
  for (let depth = 0; at !== undefined && depth < DEPTH_MAX; depth += 1) {
    const { code, message, cause, stack } = isLoggableError(at)
      ? at
      : { code: '', message: JSON.stringify(at), cause: undefined };
    const [first = '', ...rest] = message.split('\n');
    lines.push(`${depth === 0 ? '' : 'caused by '}${code === '' ? '' : `${code}: `}${first}`, ...rest);
    if (stack !== undefined) lines.push(...stack.split('\n').filter((line) => line.startsWith('    at ')));
    at = cause;
  }
  return lines;
}

function isLoggableError(value: unknown): value is LoggableError {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}
