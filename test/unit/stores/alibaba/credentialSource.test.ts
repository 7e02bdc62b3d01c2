import { setImmediate as settled } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../../kernels/schema/secret.ts';
import { RefreshedCredentials, type GivenKeys } from '../../../../src/stores/alibaba/credentialSource.ts';
import type { OssCredentials } from '../../../../src/stores/alibaba/credentials.ts';
import { StoreFailure } from '../../../../src/stores/failure.ts';
import type { Clock } from '../../../../src/system/clock.ts';
import type { Condition } from '../../../../src/telemetry/conditions.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';

const MINUTE_MS = 60_000;
const START_MS = 1_000_000;

/** A clock that stands until it is moved; whatever a timer begins goes on before the next one. */
class StandingClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];
  nowMs = (): number => this.#nowMs;
  wallMs = (): number => START_MS + this.#nowMs;
  pause = (): Promise<void> => Promise.resolve();
  timer(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }
  get timersLeft(): number {
    return this.#timers.length;
  }
  async pass(ms: number): Promise<void> {
    await settled();
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#nowMs = next.atMs;
      next.callback();
      await settled();
    }
    this.#nowMs = endMs;
    await settled();
  }
}

let clock: StandingClock;
/** When the provider was asked, since the start. */
let askedMs: number[];
let failure: Error | null;
let conditions: Map<string, Condition>;
let written: string[];
beforeEach(() => {
  clock = new StandingClock();
  askedMs = [];
  failure = null;
  conditions = new Map();
  written = [];
});

/** Of a provider whose keys live so long; Infinity: for ever. */
function sourceOf(lifeMs: number, more: Partial<GivenKeys> = {}): RefreshedCredentials {
  const ask = (): Promise<GivenKeys> => {
    askedMs.push(clock.nowMs());
    if (failure !== null) return Promise.reject(failure);
    const credentials: OssCredentials = {
      accessKeyId: new Secret(`id-${askedMs.length}`),
      accessKeySecret: new Secret('hunter1'),
      securityToken: new Secret('hunter2'),
    };
    const expiresAtMs = lifeMs === Infinity ? null : clock.wallMs() + lifeMs;
    return Promise.resolve({ credentials, expiresAtMs, askAgainAfterMs: null, ...more });
  };
  return new RefreshedCredentials({
    ...{ about: 'provider test', ask, clock, log: silentLog },
    onKeys: ({ accessKeyId }) => Promise.resolve(void written.push(accessKeyId.reveal())),
    conditions: {
      raise: (key, condition) => void conditions.set(key, condition),
      clear: (key) => void conditions.delete(key),
      list: () => [],
    },
  });
}

const idOf = async (source: RefreshedCredentials): Promise<string> =>
  (await source.keys()).accessKeyId.reveal();
const away = (): StoreFailure => new StoreFailure('unavailable', 'STS does not answer.');

/** How a promise stands, without waiting for it. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const waiting = settled('waits');
  return Promise.race([promise.catch((error: unknown) => error), waiting]);
}

describe('keys that end', () => {
  test.each([
    ['an hour: five minutes before', 60 * MINUTE_MS, 55 * MINUTE_MS],
    ['a quarter of an hour: five minutes before', 15 * MINUTE_MS, 10 * MINUTE_MS],
    ['six minutes: at half of it', 6 * MINUTE_MS, 3 * MINUTE_MS],
    ['three seconds: at half of it', 3_000, 1_500],
  ])('live %s they are replaced, by nobody but the timer', async (_name, lifeMs, afterMs) => {
    const source = sourceOf(lifeMs);
    expect(source.expiresAtMs).toBeNull();
    expect(await idOf(source)).toBe('id-1');
    expect(source.expiresAtMs).toBe(START_MS + lifeMs);
    await clock.pass(3 * afterMs - 1);
    expect(askedMs).toEqual([0, afterMs, 2 * afterMs]);
    expect(written).toEqual(['id-1', 'id-2', 'id-3']);
    expect(await idOf(source)).toBe('id-3');
    expect(askedMs).toHaveLength(3);
    source.close();
    expect(clock.timersLeft).toBe(0);
  });

  test('are asked for once, however many want them', async () => {
    const source = sourceOf(3_000);
    expect(await Promise.all([idOf(source), idOf(source), idOf(source)])).toEqual(['id-1', 'id-1', 'id-1']);
    expect(askedMs).toEqual([0]);
  });

  test('go on while new ones cannot be had, which is a condition; nobody waits', async () => {
    const source = sourceOf(60 * MINUTE_MS);
    await idOf(source);
    failure = away();
    await clock.pass(55 * MINUTE_MS + 10_000);
    expect(conditions.get('sink.credentials')).toMatchObject({
      ...{ kind: 'retried', code: 'STORE_UNAVAILABLE' },
      message: 'STS does not answer. The keys last until 1970-01-01T01:16:40.000Z.',
    });
    // Half a second, twice as long each time.
    const tried = askedMs.slice(1).map((ms) => ms - 55 * MINUTE_MS);
    expect(tried).toEqual([0, 500, 1_500, 3_500, 7_500]);
    expect(await idOf(source)).toBe('id-1');
    failure = null;
    await clock.pass(10_000);
    expect(conditions.size).toBe(0);
    expect(await idOf(source)).toBe('id-7');
  });

  test('once they have ended, whoever asks waits, and goes on with the next ones', async () => {
    const source = sourceOf(3_000);
    await idOf(source);
    failure = away();
    await clock.pass(3_000);
    const waiting = source.keys();
    expect(await stateOf(waiting)).toBe('waits');
    await clock.pass(10_000);
    expect(await stateOf(waiting)).toBe('waits');
    expect(conditions.get('sink.credentials')).toMatchObject({
      kind: 'waiting',
      message: 'STS does not answer. The keys have ended: uploads wait.',
    });
    failure = null;
    await clock.pass(30_000);
    expect((await waiting).accessKeyId.reveal()).toMatch(/^id-\d+$/);
    expect(conditions.size).toBe(0);
  });

  test('a wait ends after two minutes with what the provider said, and the next one begins', async () => {
    const source = sourceOf(3_000);
    await idOf(source);
    failure = new StoreFailure('refused', 'STS says no.');
    await clock.pass(3_000);
    const waiting = source.keys().catch((error: unknown) => error);
    await clock.pass(120_000);
    expect(await waiting).toMatchObject({
      ...{ code: 'STORE_UNAVAILABLE', message: 'The keys of the destination have ended. STS says no.' },
    });
    expect(await stateOf(source.keys())).toBe('waits');
  });

  test('after a clock that stood still the next caller gets new ones at once', async () => {
    const source = sourceOf(60 * MINUTE_MS);
    await idOf(source);
    const { wallMs } = clock;
    clock.wallMs = () => wallMs() + 24 * 60 * MINUTE_MS;
    expect(await idOf(source)).toBe('id-2');
  });

  test('that come too late, or cannot be written where they are needed, do not count', async () => {
    const late = sourceOf(3_000, { expiresAtMs: START_MS });
    await expect(late.keys()).rejects.toThrow('ended at 1970-01-01T00:16:40.000Z; is the clock right?');
    const source = sourceOf(3_000);
    await idOf(source);
    written.push = () => {
      throw new Error('no space');
    };
    await clock.pass(2_000);
    expect(await idOf(source)).toBe('id-2');
    expect(conditions.get('sink.credentials')?.message).toContain('provider test');
  });
});

describe('at the start', () => {
  test('whoever asks is told at once, and the next one asks anew', async () => {
    const source = sourceOf(3_000);
    failure = new StoreFailure('refused', 'No role.');
    await expect(source.keys()).rejects.toMatchObject({ code: 'STORE_AUTHENTICATION', message: 'No role.' });
    await clock.pass(MINUTE_MS);
    expect(askedMs).toEqual([0]);
    failure = null;
    expect(await idOf(source)).toBe('id-2');
  });

  test('a provider that does not answer is given up after half a minute', async () => {
    const source = new RefreshedCredentials({
      ...{ about: 'provider test', ask: () => new Promise(() => undefined), clock, log: silentLog },
      conditions: { raise: () => undefined, clear: () => undefined, list: () => [] },
    });
    const asked = source.keys().catch((error: unknown) => error);
    await clock.pass(30_000);
    expect(await asked).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

test('keys that do not end are asked for once, or again where the provider does not say', async () => {
  await idOf(sourceOf(Infinity));
  await clock.pass(1_000 * MINUTE_MS);
  expect(askedMs).toHaveLength(1);
  const polled = sourceOf(Infinity, { askAgainAfterMs: 5 * MINUTE_MS });
  await idOf(polled);
  await clock.pass(10 * MINUTE_MS);
  expect(askedMs).toHaveLength(4);
  failure = away();
  await clock.pass(10 * MINUTE_MS);
  expect(await idOf(polled)).toBe('id-4');
});

test('whoever waits when it is closed is told', async () => {
  const source = sourceOf(3_000);
  await idOf(source);
  failure = away();
  await clock.pass(5_000);
  const waiting = source.keys().catch((error: unknown) => error);
  await settled();
  source.close();
  expect(await waiting).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(source.keys()).rejects.toThrow('closed');
  expect(clock.timersLeft).toBe(0);
});
