import { expect, test } from 'vitest';
import type { ProcessEnd, ProcessListener, StartedProcess } from '../../../src/supervisor/process.ts';
import { Supervisor } from '../../../src/supervisor/supervisor.ts';
import { systemClock, type Clock } from '../../../src/system/clock.ts';
import { silentLog } from '../../../src/telemetry/log.ts';

const END: ProcessEnd = { code: null, signal: null, errorCode: null, notStarted: null };
const KILLED: ProcessEnd = { ...END, signal: 'SIGKILL' };
const exited = (code: number, errorCode: string | null = null): ProcessEnd => ({ ...END, code, errorCode });

interface FakeProcess {
  readonly index: number;
  readonly listener: ProcessListener;
  end(end: ProcessEnd): void;
  stops: number;
  kills: number;
}

/** Lets every promise that can go on do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function scene(processes = 2) {
  let nowMs = 0;
  const timers = new Set<{ readonly delayMs: number; readonly callback: () => void }>();
  const clock: Clock = {
    ...systemClock,
    nowMs: () => nowMs,
    timer: (delayMs, callback) => {
      const timer = { delayMs, callback };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  };
  const started: FakeProcess[] = [];
  const start = (index: number, listener: ProcessListener): StartedProcess => {
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    const fake: FakeProcess = { index, listener, end: resolve, stops: 0, kills: 0 };
    started.push(fake);
    return {
      pid: 1_000 + started.length,
      ended: promise,
      stop: () => void (fake.stops += 1),
      kill: () => void (fake.kills += 1),
    };
  };
  const supervisor = new Supervisor({
    ...{ processes, start, clock, log: silentLog, shutdownMs: 9_000, onLine: () => undefined },
  });
  return {
    supervisor,
    started,
    delays: () => [...timers].map(({ delayMs }) => delayMs),
    pass: (ms: number) => void (nowMs += ms),
    ring: async () => {
      for (const timer of [...timers]) {
        timers.delete(timer);
        timer.callback();
      }
      await settled();
    },
  };
}

test('what dies is started again: after 1 s, doubled to 30 s; a minute of life begins anew', async () => {
  const { supervisor, started, delays, pass, ring } = scene();
  const run = supervisor.run();
  expect(started.map(({ index }) => index)).toEqual([0, 1]);
  const waited: number[] = [];
  const die = async (end: ProcessEnd, afterMs: number): Promise<void> => {
    pass(afterMs);
    started.at(-1)!.end(end);
    await settled();
    waited.push(...delays());
    await ring();
  };
  // 1: a failure; 3: a dependency; 0: somebody has ended this one. Config: it has begun before.
  const ends = [KILLED, exited(1), exited(3), exited(0), exited(2), KILLED, KILLED];
  for (const end of ends) await die(end, 100);
  await die(KILLED, 60_000);
  expect(waited).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 1_000]);
  expect(started.slice(2).every(({ index }) => index === 1)).toBe(true);
  expect(supervisor.processes()).toMatchObject([{ restarts: 0 }, { restarts: 8 }]);
  supervisor.stop();
  for (const one of [started[0]!, started.at(-1)!]) {
    expect(one.stops).toBe(1);
    one.end(exited(0));
  }
  expect(await run).toBe(0);
  expect(delays()).toEqual([]);
});

test('the exit code is the worst of the last ends; a kill while all stop is a failure', async () => {
  for (const [ends, code] of [
    [[exited(0), exited(0), exited(0)], 0],
    [[exited(0), exited(1), exited(3)], 3],
    [[exited(0), KILLED, exited(0)], 1],
  ] as const) {
    const { supervisor, started } = scene(3);
    const run = supervisor.run();
    supervisor.stop();
    supervisor.stop();
    expect(started.map(({ stops }) => stops)).toEqual([1, 1, 1]);
    ends.forEach((end, index) => started[index]!.end(end));
    expect(await run).toBe(code);
  }
});

test('who does not end in time is killed', async () => {
  const { supervisor, started, delays, ring } = scene();
  const run = supervisor.run();
  supervisor.stop();
  started[0]!.end(exited(0));
  await settled();
  expect(delays()).toEqual([9_000]);
  await ring();
  expect(started.map(({ kills }) => kills)).toEqual([0, 1]);
  started[1]!.end(KILLED);
  expect(await run).toBe(1);
});

test('a stop wakes what waits to be started again, and starts nothing', async () => {
  const { supervisor, started } = scene(1);
  const run = supervisor.run();
  started[0]!.end(KILLED);
  await settled();
  supervisor.stop();
  expect(await run).toBe(0);
  expect(started).toHaveLength(1);
});

test.each([
  ['a wrong configuration at its first start', exited(2, 'CONFIG_INVALID'), 2],
  ['another one with its id in the group', exited(1, 'SOURCE_INSTANCE_FENCED'), 1],
])('%s ends all', async (_why, end, code) => {
  const { supervisor, started } = scene();
  const run = supervisor.run();
  started[1]!.end(end);
  await settled();
  expect(started).toHaveLength(2);
  expect(started[0]!.stops).toBe(1);
  started[0]!.end(exited(0));
  expect(await run).toBe(code);
});

test('the port of a process is known while it runs', async () => {
  const { supervisor, started } = scene(1);
  const run = supervisor.run();
  expect(supervisor.processes()).toEqual([{ index: 0, pid: 1_001, port: null, restarts: 0 }]);
  started[0]!.listener.listening(4_711);
  expect(supervisor.processes()[0]!.port).toBe(4_711);
  started[0]!.end(KILLED);
  await settled();
  expect(supervisor.processes()).toEqual([{ index: 0, pid: null, port: null, restarts: 0 }]);
  supervisor.stop();
  await run;
});
