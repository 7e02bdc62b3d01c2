import { expect, test } from 'vitest';
import { retryDelayMs, retryLevel, Wakeup } from '../../../src/system/pacing.ts';

test('failures in a row are reported as warnings at first and then ever more rarely', () => {
  const told = Array.from({ length: 100 }, (_, index) => index + 1).filter(
    (failures) => retryLevel(failures) === 'warn',
  );
  expect(told).toEqual([1, 4, 16, 64]);
});

test('the pause between attempts grows to a limit', () => {
  expect([1, 2, 3, 5, 6, 50].map(retryDelayMs)).toEqual([100, 200, 400, 1_600, 2_000, 2_000]);
});

test('a wake-up that comes before the wait is not lost', async () => {
  const wakeup = new Wakeup();
  wakeup.notify();
  await wakeup.wait();
  let woken = false;
  const waiting = wakeup.wait().then(() => (woken = true));
  await Promise.resolve();
  expect(woken).toBe(false);
  wakeup.notify();
  await waiting;
});
