import { expect, test } from 'vitest';
import { SourceFailure } from '../../../src/sources/failure.ts';
import type { Clock } from '../../../src/system/clock.ts';
import { ConditionBoard } from '../../../src/telemetry/conditions.ts';
import { Patience } from '../../../src/telemetry/patience.ts';
import { silentLog } from '../../../src/telemetry/log.ts';

/** Time passes only where somebody pauses, or when it is moved. */
function handClock() {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const advance = (byMs: number): void => {
    const untilMs = nowMs + byMs;
    for (;;) {
      const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      timers.delete(next);
      nowMs = Math.max(nowMs, next.atMs);
      next.callback();
    }
    nowMs = untilMs;
  };
  const clock: Clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    pause: async (delayMs) => advance(delayMs),
    timer(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
  };
  return { clock, advance, timers };
}

const away = new SourceFailure('unavailable', 'Kafka does not answer.');

function patience(limitMs: number | null) {
  const hands = handClock();
  const said: string[] = [];
  const log = { ...silentLog, warn: (_fields: unknown, message: string) => void said.push(message) };
  const stop = new AbortController();
  const conditions = new ConditionBoard({ clock: hands.clock, log });
  const waiting = new Patience({ clock: hands.clock, log, conditions, signal: stop.signal, limitMs });
  const failing = (times: number) => {
    let tries = 0;
    const work = async (): Promise<string> => {
      tries += 1;
      if (tries <= times) throw away;
      return 'here';
    };
    return { what: 'the group g', code: 'SOURCE_UNAVAILABLE' as const, work };
  };
  return { ...hands, said, stop, waiting, failing, conditions };
}

test('a service waits for ever, and says once a minute what for and why', async () => {
  const { waiting, failing, said, timers, conditions } = patience(null);
  expect(await waiting.until(failing(130))).toBe('here');
  const why = 'still waiting for the group g: Kafka does not answer.';
  expect(said.slice(0, 2)).toEqual(['waiting for the group g: trying again', why]);
  const again = said.slice(2);
  expect(again.length).toBe(2);
  for (const line of again)
    expect(line).toContain(
      `the group g is still waited for, since 1970-01-01T00:00:05.000Z: SOURCE_UNAVAILABLE: ${why}`,
    );
  expect(timers.size).toBe(0);
  expect(conditions.list()).toEqual([]);
});

test('what is waited for stands among the conditions, with the latest reason', async () => {
  const { waiting, conditions, stop, advance } = patience(null);
  let tries = 0;
  const work = async (): Promise<string> => {
    tries += 1;
    throw new SourceFailure('unavailable', `Try ${tries} failed.`);
  };
  const waited = waiting.until({
    what: 'the source',
    code: 'SOURCE_UNAVAILABLE',
    work: () => {
      if (tries === 10) {
        const [condition] = conditions.list();
        expect(condition).toMatchObject({ kind: 'waiting', about: 'the source', code: 'SOURCE_UNAVAILABLE' });
        expect(condition?.message).toContain('Try 10 failed.');
        stop.abort();
      }
      return work();
    },
  });
  await expect(waited).rejects.toThrow(/aborted/);
  expect(conditions.list()).toEqual([]);
  advance(0);
});

test('a bounded run gives up after its limit with the last error', async () => {
  const { waiting, failing, clock } = patience(60_000);
  await expect(waiting.until(failing(1_000))).rejects.toBe(away);
  expect(clock.nowMs()).toBe(59_000);
});

test('a bounded run gives up on what never returns; the limit is one for all waits', async () => {
  const { waiting, failing, advance, timers } = patience(60_000);
  expect(await waiting.until(failing(20))).toBe('here');
  const work = (): Promise<never> => new Promise(() => undefined);
  const hung = waiting.until({ what: 'the destination', code: 'STORE_UNAVAILABLE', work });
  advance(40_000);
  await expect(hung).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: 'Waited for the destination for 60000 ms (startup.timeout), in vain.',
  });
  expect(timers.size).toBe(0);
});

test('what a person must change is waited for by nobody', async () => {
  const { waiting, clock } = patience(null);
  const refused = new SourceFailure('refused', 'Wrong password.');
  const work = (): Promise<never> => Promise.reject(refused);
  await expect(waiting.until({ what: 'Kafka', code: 'SOURCE_UNAVAILABLE', work })).rejects.toBe(refused);
  expect(clock.nowMs()).toBe(0);
});

test('the signal ends the wait', async () => {
  const { waiting, stop } = patience(null);
  const work = async (): Promise<never> => {
    stop.abort();
    throw away;
  };
  await expect(waiting.until({ what: 'Kafka', code: 'SOURCE_UNAVAILABLE', work })).rejects.toMatchObject({
    name: 'AbortError',
  });
});
