import { expect, test } from 'vitest';
import type { Log } from '../../../src/telemetry/log.ts';
import { pacedLog } from '../../../src/telemetry/pacedLog.ts';

function logged() {
  const lines: string[] = [];
  const of =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  const log: Log = {
    debug: of('debug'),
    info: of('info'),
    warn: of('warn'),
    error: of('error'),
    child: () => log,
  };
  let nowMs = 0;
  return { lines, paced: pacedLog(log, () => nowMs), wait: (ms: number) => (nowMs += ms) };
}

const away = { code: 'STORE_UNAVAILABLE' };

test('a cause has one line per second, and the next one counts what was held back', () => {
  const { lines, paced, wait } = logged();
  for (let index = 0; index < 3; index += 1) paced.info({ partition: 'a/0' }, 'file committed');
  wait(1_000);
  paced.info({ partition: 'a/0' }, 'file committed');
  expect(lines).toEqual([
    'info file committed {"partition":"a/0"}',
    'debug file committed {"partition":"a/0"}',
    'debug file committed {"partition":"a/0"}',
    'info file committed {"partition":"a/0","suppressed":2}',
  ]);
});

test('news of other partitions is another cause; the same failure in all of them is one', () => {
  const { lines, paced } = logged();
  for (const partition of ['a/0', 'a/1']) {
    paced.info({ partition }, 'partition claimed');
    paced.child({ partition }).warn({ err: away, partition }, 'trying again');
  }
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['info', 'warn', 'info', 'debug']);
});

test('errors are never held back', () => {
  const { lines, paced } = logged();
  for (let index = 0; index < 3; index += 1) paced.error({ err: away }, 'the partition stops');
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['error', 'error', 'error']);
});
