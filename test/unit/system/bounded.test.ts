import { expect, test } from 'vitest';
import { batchesOf } from '../../../src/audit/deep/sourceRecords.ts';
import type { PartitionFeed } from '../../../src/sources/port.ts';
import { orLate } from '../../../src/system/bounded.ts';
import { systemClock, type Clock } from '../../../src/system/clock.ts';

/** Its timers ring when the test says so. */
function handClock() {
  const timers = new Set<{ readonly delayMs: number; readonly callback: () => void }>();
  const clock: Clock = {
    ...systemClock,
    timer: (delayMs, callback) => {
      const timer = { delayMs, callback };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  };
  const ring = (): void => {
    for (const { callback } of timers) callback();
  };
  return { clock, timers, ring };
}

const late = (): Error => new Error('late');

test('an answer in time is the result, or its error is, and no timer is left', async () => {
  const { clock, timers } = handClock();
  expect(await orLate(clock, 5, Promise.resolve('answer'), late)).toBe('answer');
  await expect(orLate(clock, 5, Promise.reject(new Error('refused')), late)).rejects.toThrow('refused');
  expect(timers.size).toBe(0);
});

test('without one in time it rejects, and what comes later is ignored', async () => {
  const { clock, timers, ring } = handClock();
  const { promise, reject } = Promise.withResolvers<never>();
  const waiting = orLate(clock, 5, promise, late);
  expect([...timers].map(({ delayMs }) => delayMs)).toEqual([5]);
  ring();
  await expect(waiting).rejects.toThrow('late');
  reject(new Error('too late'));
  expect(timers.size).toBe(0);
});

test.each([
  ['silence', 'SOURCE_UNAVAILABLE'],
  ['an abort', 'ABORT'],
] as const)('reading a source again ends by %s', async (why, code) => {
  const { clock, timers, ring } = handClock();
  const over = new AbortController();
  let isClosed = false;
  const feed: PartitionFeed = {
    next: () => Promise.withResolvers<never>().promise,
    close: async () => {
      isClosed = true;
    },
  };
  const reading = batchesOf({
    ...{ source: { open: () => feed }, clock, signal: over.signal, onOffsets: () => undefined },
    ...{ partition: { topic: 'a', partition: 0 }, topicId: null, from: 0n, to: 1n },
  }).next();
  if (why === 'silence') ring();
  else over.abort(Object.assign(new Error('over'), { code }));
  await expect(reading).rejects.toMatchObject({ code });
  expect([isClosed, timers.size]).toEqual([true, 0]);
});
