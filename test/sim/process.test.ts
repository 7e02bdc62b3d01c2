import { describe, expect, test } from 'vitest';
import { eventually, newProcess, newScheduler, pass, settlesWithin } from './simulated.ts';

const SLOW = { thereMs: 10, backMs: 10 };

describe('virtual time', () => {
  test('passes from task to task, in order', async () => {
    const scheduler = newScheduler();
    const seen: number[] = [];
    for (const delayMs of [30, 10, 20]) scheduler.after(delayMs, null, () => seen.push(scheduler.nowMs));
    await pass(scheduler, 100);
    expect(seen).toEqual([10, 20, 30]);
    expect(scheduler.nowMs).toBe(100);
  });

  test('tasks of one moment take an order that the seed draws, always the same', async () => {
    const orderOf = async (seed: number): Promise<number[]> => {
      const scheduler = newScheduler(seed);
      const seen: number[] = [];
      for (let task = 0; task < 6; task += 1) scheduler.after(5, null, () => seen.push(task));
      await pass(scheduler, 10);
      return seen;
    };
    expect(await orderOf(1)).toEqual(await orderOf(1));
    const orders = await Promise.all([1, 2, 3, 4].map(orderOf));
    expect(new Set(orders.map(String)).size).toBeGreaterThan(1);
  });

  test('every promise settles before the next task', async () => {
    const scheduler = newScheduler();
    const seen: string[] = [];
    scheduler.after(1, null, () => {
      void (async () => {
        for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
        seen.push('promises');
      })();
    });
    scheduler.after(1.5, null, () => seen.push('task'));
    await pass(scheduler, 10);
    expect(seen).toEqual(['promises', 'task']);
  });
});

describe('a process that is killed', () => {
  test('does nothing more: timers do not fire, calls are not made', async () => {
    const scheduler = newScheduler();
    const process = newProcess(scheduler);
    let made = 0;
    process.clock.timer(10, () => (made += 1));
    process.kill();
    const call = process.call(SLOW, () => (made += 1));
    expect(await settlesWithin(scheduler, 1_000, call)).toBe(false);
    expect(made).toBe(0);
  });

  test('leaves the effects of calls that are on their way, but never learns of them', async () => {
    const scheduler = newScheduler();
    const process = newProcess(scheduler);
    let made = 0;
    const call = process.call(SLOW, () => (made += 1));
    scheduler.after(5, null, () => {
      process.kill();
    });
    expect(await settlesWithin(scheduler, 1_000, call)).toBe(false);
    expect(made).toBe(1);
  });

  test('at a failpoint stops right there', async () => {
    const scheduler = newScheduler();
    const process = newProcess(scheduler, { atFailpoint: () => ({ type: 'crash' }) });
    const hit = Promise.resolve(process.failpoints.hit('store.write', 'before'));
    expect(await settlesWithin(scheduler, 1_000, hit)).toBe(false);
    expect(process.dead).toBe(true);
  });
});

describe('a process that is paused', () => {
  test('learns of replies and timers when it wakes, in the order in which they came due', async () => {
    const scheduler = newScheduler();
    const process = newProcess(scheduler);
    const seen: string[] = [];
    const note = (what: string) => (): void => {
      seen.push(`${what} at ${scheduler.nowMs}`);
    };
    void process.call(SLOW, note('effect')).then(note('reply'));
    process.clock.timer(30, note('later timer'));
    process.clock.timer(15, note('timer'));
    process.pause(200);
    await pass(scheduler, 300);
    expect(seen).toEqual(['effect at 10', 'timer at 200', 'reply at 200', 'later timer at 200']);
  });

  test('can be woken before its time', async () => {
    const scheduler = newScheduler();
    const process = newProcess(scheduler, { atFailpoint: () => ({ type: 'pause', forMs: 10_000 }) });
    const hit = Promise.resolve(process.failpoints.hit('store.write', 'after'));
    scheduler.after(50, null, () => {
      process.wake();
    });
    await eventually(scheduler, hit);
    expect(scheduler.nowMs).toBe(50);
    expect(process.isPaused).toBe(false);
  });

  test('stays so until the longest of its pauses is over', async () => {
    const scheduler = newScheduler();
    const process = newProcess(scheduler);
    process.pause(300);
    process.pause(100);
    await eventually(scheduler, process.clock.pause(1));
    expect(scheduler.nowMs).toBe(300);
  });
});
