import { expect, test } from 'vitest';
import { ERROR_CODES, TidemarkError, type ErrorCode } from '../../../journal/errors.ts';
import { EXIT_UNFINISHED, exitCodeOf, exitCodeOfSignal } from '../../../src/cli/exitCodes.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];
const of = (code: ErrorCode): number => exitCodeOf(new TidemarkError(code, 'So it is.'));

test('what may succeed later ends with 3, except a stop cut short and a refused secret', () => {
  const transient = codes.filter((code) => ERROR_CODES[code].retry === 'transient');
  expect(transient.filter((code) => of(code) !== EXIT_UNFINISHED)).toEqual([
    'STORE_AUTHENTICATION',
    'STOP_INCOMPLETE',
  ]);
});

test('what the user wrote ends with 2, except what waits for somebody else', () => {
  const config = codes.filter((code) => ERROR_CODES[code].retry === 'config');
  expect(config.filter((code) => of(code) !== 2).toSorted()).toEqual([
    'GROUP_IN_USE',
    'JOURNAL_IMPORT_UNFINISHED',
    'JOURNAL_LOCKED',
    'JOURNAL_MISSING',
    'SOURCE_NOT_AT_END',
    'SOURCE_TOPIC_MISSING',
  ]);
});

test('all else, and what is none of ours, ends with 1', () => {
  const rest = codes.filter((code) => !['transient', 'config'].includes(ERROR_CODES[code].retry));
  expect(rest.filter((code) => of(code) !== 1)).toEqual([]);
  expect(exitCodeOf(new TypeError('oops'))).toBe(1);
});

test('signals end as shells count them', () => {
  expect((['SIGHUP', 'SIGINT', 'SIGTERM'] as const).map(exitCodeOfSignal)).toEqual([129, 130, 143]);
});
