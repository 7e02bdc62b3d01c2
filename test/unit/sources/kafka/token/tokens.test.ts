import { describe, expect, test } from 'vitest';
import { Secret } from '../../../../../kernels/schema/secret.ts';
import { Tokens } from '../../../../../src/sources/kafka/token/tokens.ts';

/** Tokens t1, t2, ... of a minute, at a time that the test sets. */
function world() {
  const told: string[] = [];
  const state = { nowMs: 0, asked: 0, isAway: false, told };
  const tokens = new Tokens({
    ask: async () => {
      state.asked += 1;
      if (state.isAway) throw new Error('the endpoint is away');
      return { token: new Secret(`t${state.asked}`), lifeMs: 60_000 };
    },
    clock: { nowMs: () => state.nowMs },
    log: { warn: (_fields, message) => void told.push(message) },
  });
  return { state, token: async () => (await tokens.token()).reveal() };
}

describe('a token', () => {
  test('is asked for once, by however many connections', async () => {
    const { state, token } = world();
    expect(await Promise.all([token(), token(), token()])).toEqual(['t1', 't1', 't1']);
    expect(state.asked).toBe(1);
  });

  test('is replaced from 80 % of its life on', async () => {
    const { state, token } = world();
    await token();
    state.nowMs = 47_999;
    expect(await token()).toBe('t1');
    state.nowMs = 48_000;
    expect(await token()).toBe('t2');
    expect(await token()).toBe('t2');
  });

  test('is used on while the endpoint is away, but not until its end', async () => {
    const { state, token } = world();
    await token();
    state.isAway = true;
    state.nowMs = 54_999;
    expect(await token()).toBe('t1');
    expect(state.told).toEqual(['the endpoint is away; the last token is used for 1 s more.']);
    state.nowMs = 55_000;
    await expect(token()).rejects.toThrow('the endpoint is away');
    state.isAway = false;
    expect(await token()).toBe('t4');
  });

  test('that was never had is an error', async () => {
    const { state, token } = world();
    state.isAway = true;
    await expect(token()).rejects.toThrow('the endpoint is away');
  });
});
