import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../../journal/errors.ts';
import { StoreFailure } from '../../../src/stores/failure.ts';
import { Secret } from '../../../kernels/schema/secret.ts';
import type { Log } from '../../../src/telemetry/log.ts';
import { createPinoLog, type LogLevel } from '../../../src/telemetry/pinoLog.ts';

function logTo(
  lines: string[],
  options: { isHuman?: boolean; level?: LogLevel; hasColour?: boolean } = {},
): Log {
  const { isHuman = false, level = 'debug', hasColour = false } = options;
  return createPinoLog({ level, isHuman, hasColour, write: (line) => lines.push(line) });
}

function jsonOf(write: (log: Log) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(logTo(lines));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

const failure = new StoreFailure('unavailable', 'Cannot write "x": the disk is full. Free some space.', {
  fields: { fromOffset: 9_007_199_254_740_993n, file: 'x' },
  cause: new Error('write failed', {
    cause: Object.assign(new Error('no space left'), { code: 'ENOSPC' }),
  }),
});

describe('the log as JSON', () => {
  test('is one object a line with level, ISO time, message and the fields', () => {
    expect(jsonOf((log) => log.info({ partition: 'a/0', files: ['x'] }, 'hello'))).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      msg: 'hello',
      topic: 'a',
      partition: 'a/0',
      files: ['x'],
    });
  });

  test('keeps every digit of an offset', () => {
    expect(jsonOf((log) => log.info({ nextOffset: 9_007_199_254_740_993n }, ''))).toMatchObject({
      nextOffset: '9007199254740993',
    });
  });

  test('a child repeats its fields', () => {
    const entry = jsonOf((log) => {
      log.child({ job: 'j' }).child({ epoch: 3n, password: 'hunter' }).warn({ a: 1 }, 'm');
    });
    expect(entry).toMatchObject({ level: 'warn', job: 'j', epoch: '3', password: '[secret]', a: 1 });
  });

  test('an error is its code, message, fields and chain of causes; a stack only where it is a bug', () => {
    expect(jsonOf((log) => log.error({ err: failure }, 'm'))['err']).toEqual({
      code: 'STORE_UNAVAILABLE',
      message: 'Cannot write "x": the disk is full. Free some space.',
      fields: { fromOffset: '9007199254740993', file: 'x' },
      cause: { code: 'Error', message: 'write failed', cause: { code: 'ENOSPC', message: 'no space left' } },
    });
    expect(jsonOf((log) => log.error({ err: new TidemarkError('INTERNAL', 'm') }, ''))).toHaveProperty(
      'err.stack',
    );
    expect(jsonOf((log) => log.error({ err: new TypeError('m') }, ''))).toHaveProperty('err.stack');
  });

  test('a cause that contains itself ends', () => {
    const error = new Error('a');
    error.cause = error;
    expect(JSON.stringify(jsonOf((log) => log.error({ err: error }, '')))).toContain('[deeper]');
  });

  test('says nothing below its level', () => {
    const lines: string[] = [];
    const log = logTo(lines, { level: 'warn' });
    log.debug({}, '');
    log.info({}, '');
    log.warn({}, '');
    log.error({}, '');
    expect(lines).toHaveLength(2);
  });
});

describe('secrets never reach the log', () => {
  test.each([
    'password',
    'Password',
    'saslPassword',
    'passphrase',
    'token',
    'accessToken',
    'secret',
    'sasl',
    'credentials',
    'apiKey',
  ])('%s, at any depth', (key) => {
    const written = JSON.stringify(
      jsonOf((log) => log.info({ [key]: 'hunter', deep: { list: [{ [key]: { value: 'hunter' } }] } }, 'm')),
    );
    expect(written).not.toContain('hunter');
    expect(written).toContain(key);
  });

  test('also those of the fields of an error, and whatever a Secret stands in', () => {
    const error = new TidemarkError('INTERNAL', 'm', { fields: { password: 'hunter' } });
    for (const isHuman of [true, false]) {
      const lines: string[] = [];
      logTo(lines, { isHuman }).error(
        { err: error, value: new Secret('hunter'), bytes: Buffer.from('hunter') },
        'm',
      );
      expect(lines.join('')).not.toContain('hunter');
    }
  });
});

describe('the log for people', () => {
  const human = (write: (log: Log) => void, hasColour = false): string => {
    const lines: string[] = [];
    write(logTo(lines, { isHuman: true, hasColour }));
    return lines.join('');
  };

  test('is a line with time, level, message and fields', () => {
    const line = human((log) => log.warn({ partition: 'a/0', why: 'two words', n: 1n, list: [1] }, 'hello'));
    expect(line).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: hello {2}partition=a\/0 why="two words" n=1 list=\[1\]\n$/,
    );
  });

  test('shows an error as its chain, a line each', () => {
    const lines = human((log) => log.error({ err: failure, epoch: 3 }, 'the epoch is given up')).split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/ERROR: the epoch is given up {2}epoch=3$/),
      expect.stringMatching(/^ {4}STORE_UNAVAILABLE: Cannot write .*$/),
      '    caused by Error: write failed',
      '    caused by ENOSPC: no space left',
      '',
    ]);
  });

  test('has colours only where they are wanted', () => {
    const write = (log: Log): void => log.info({ a: 1 }, 'm');
    expect(human(write, true)).toContain('\u001b[');
    expect(human(write, false)).not.toContain('\u001b[');
  });
});
