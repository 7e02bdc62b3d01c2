/** The client when calls do not return: the library is one whose calls end when the test says so. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { JindoClient } from '../../../../src/stores/ossHdfs/client.ts';
import { JindoLibrary } from '../../../../src/stores/ossHdfs/library.ts';

type Callback = (error: null, answer: unknown) => void;

const LONGER_THAN_ANY_PATIENCE_MS = 600_000;

/** Bound functions as koffi makes them. */
class SlowLibrary {
  readonly called: string[] = [];
  readonly #held: (() => void)[] = [];
  holds = false;

  func(declaration: string): unknown {
    const name = /jdo_(\w+)/.exec(declaration)?.[1] ?? '';
    const answer = declaration.startsWith('void *') ? 8n : declaration.startsWith('bool') ? true : 0;
    return Object.assign(() => answer, {
      async: (...args: unknown[]) => {
        this.called.push(name);
        const end = (): void => (args.at(-1) as Callback)(null, answer);
        if (this.holds) this.#held.push(end);
        else end();
      },
    });
  }

  goOn(): void {
    this.holds = false;
    for (const end of this.#held.splice(0)) end();
  }
}

let native: SlowLibrary;
let client: JindoClient;

beforeEach(async () => {
  vi.useFakeTimers();
  native = new SlowLibrary();
  const library = new JindoLibrary(native as unknown as ConstructorParameters<typeof JindoLibrary>[0], 1);
  client = await JindoClient.open(library, { uri: 'oss://lake/', settings: new Map() });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Rejects when it is given up, which is at once for the clock of the test. */
async function givenUp(call: Promise<unknown>): Promise<void> {
  const refused = expect(call).rejects.toThrow('has not returned');
  await vi.advanceTimersByTimeAsync(LONGER_THAN_ANY_PATIENCE_MS);
  await refused;
}

test('what a call that was given up uses is released when it returns, and not before', async () => {
  const io = await client.create('oss://lake/.a');
  native.holds = true;
  await givenUp(client.run('flush', io, null));
  await client.free(io);
  await client.close();
  expect(native.called).not.toContain('freeIOContext');
  native.goOn();
  await vi.advanceTimersByTimeAsync(0);
  expect(native.called.slice(-3)).toEqual(['freeIOContext', 'destroyStore', 'freeStore']);
});

test('a call that was given up while others took all threads is never made', async () => {
  native.holds = true;
  const first = client.run('rename', null, 'oss://lake/.a', 'oss://lake/a', null);
  const second = client.run('remove', null, 'oss://lake/.b', false, null);
  await Promise.all([givenUp(first), givenUp(second)]);
  native.goOn();
  await vi.advanceTimersByTimeAsync(0);
  expect(native.called).toContain('rename');
  expect(native.called).not.toContain('remove');
  await client.close();
  expect(native.called.at(-1)).toBe('freeStore');
});
