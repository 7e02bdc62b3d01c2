import { describe, expect, test } from 'vitest';
import { check, fail, pass, warn, type Check, type Probe } from '../../../../kernels/checks/check.ts';
import { TidemarkError } from '../../../../journal/errors.ts';
import { runChecks } from '../../../../src/app/doctor/runChecks.ts';
import type { Clock } from '../../../../src/system/clock.ts';

/** A clock whose timers end at once where they wait for as long as `endsMs`. */
function clockThatEnds(endsMs: number | null): Clock {
  return {
    nowMs: () => 0,
    wallMs: () => 0,
    pause: async () => Promise.resolve(),
    timer: (delayMs, callback) => {
      if (delayMs === endsMs) setImmediate(callback);
      return { cancel: () => undefined };
    },
  };
}

const never = new Promise<never>(() => undefined);

async function outcomesOf(
  checks: readonly Check[],
  probe: Partial<Probe> = {},
  { clock = clockThatEnds(null), signal = new AbortController().signal } = {},
) {
  const whole: Probe = { checks, isAway: () => false, close: async () => Promise.resolve(), ...probe };
  const ignore = (): void => undefined;
  return runChecks({
    area: 'sink',
    probe: whole,
    clock,
    signal,
    onBegun: ignore,
    onDone: ignore,
    othersHaveLooked: async () => Promise.resolve(),
  });
}

describe('the checks of an area', () => {
  test('go on behind one that fails, and leave out what needs it', async () => {
    const { checks } = await outcomesOf([
      check('a', [], async () => fail('bad', 'Mend it.')),
      check('b', ['a'], async () => pass('never')),
      check('c', ['b'], async () => pass('never')),
      check('d', [], async () => warn('so so', 'Look.')),
      check('e', ['d'], async () => pass('fine')),
    ]);
    expect(checks.map(({ id, outcome, found }) => `${id} ${outcome} ${found}`)).toEqual([
      'a fail bad',
      'b notDone it needs a, which has failed',
      'c notDone it needs b, which was not done',
      'd warn so so',
      'e pass fine',
    ]);
  });

  test('a rejection is a failure, or not done where nobody answers', async () => {
    const away = new TidemarkError('STORE_UNAVAILABLE', 'nobody is there');
    const { checks } = await outcomesOf(
      [
        check('a', [], () => Promise.reject(away)),
        check('b', [], () => Promise.reject(new TidemarkError('STORE_UNAVAILABLE', 'not allowed'))),
      ],
      { isAway: (error) => error === away },
    );
    expect(checks).toMatchObject([
      { id: 'a', outcome: 'notDone', found: 'nobody is there' },
      {
        id: 'b',
        outcome: 'fail',
        found: 'not allowed',
        howToMend: expect.stringContaining('Check') as string,
      },
    ]);
  });

  test('one that takes too long is not done, by its own limit', async () => {
    const { checks, leftovers } = await outcomesOf(
      [check('a', [], () => never, { limitMs: 777 })],
      {},
      { clock: clockThatEnds(777), signal: AbortSignal.abort() },
    );
    expect(checks).toMatchObject([{ outcome: 'notDone', found: 'it was interrupted' }]);
    expect(leftovers).toEqual([]);
    const late = outcomesOf(
      [check('a', [], () => never, { limitMs: 5_000 })],
      {},
      { clock: clockThatEnds(5_000) },
    );
    expect((await late).checks).toMatchObject([{ found: 'there was no answer within 5 s' }]);
  });

  test('a signal ends the one that runs; what was made is removed after it has returned', async () => {
    const stop = new AbortController();
    const order: string[] = [];
    const release = Promise.withResolvers<undefined>();
    const running = outcomesOf(
      [
        check('a', [], async () => {
          stop.abort();
          await release.promise;
          order.push('returned');
          return pass('late');
        }),
        check('b', [], async () => pass('never')),
      ],
      { close: async () => void order.push('closed') },
      { clock: clockThatEnds(null), signal: stop.signal },
    );
    setImmediate(() => release.resolve(undefined));
    const { checks } = await running;
    expect(checks.map(({ outcome, found }) => [outcome, found])).toEqual([
      ['notDone', 'it was interrupted'],
      ['notDone', 'it was interrupted'],
    ]);
    expect(order).toEqual(['returned', 'closed']);
  });

  test('what could not be removed is told', async () => {
    const { leftovers } = await outcomesOf([], {
      close: () => Promise.reject(new Error('the folder is busy')),
    });
    expect(leftovers).toEqual(['The checks of the sink could not be cleaned up: the folder is busy']);
    const late = await outcomesOf([], { close: () => never }, { clock: clockThatEnds(10_000) });
    expect(late.leftovers).toEqual(['The checks of the sink could not be cleaned up within 10 s.']);
  });
});
