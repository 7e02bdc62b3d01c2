import { expect, test } from 'vitest';
import { StoreFailure } from '../../src/stores/failure.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import type { Store } from '../../src/stores/port.ts';
import { aliveOf } from '../unit/collected.ts';
import { hastyClock, JobFixture, numbered, storeWith } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

/** Epochs that fail in a row. */
const EPOCHS = 60;
/** The one that runs, the one that begins, and what a frame of the engine may still hold. */
const ALIVE_MAX = 4;

/** A store whose sessions, one for each epoch, are counted, and which is away until so many epochs have failed. */
function storeAway(epochs: number): { store: Store; sessions: WeakRef<object>[]; back: Promise<undefined> } {
  const inner = createFileStore();
  const sessions: WeakRef<object>[] = [];
  const back = Promise.withResolvers<undefined>();
  const store = storeWith(
    {
      session: () => {
        const session = storeWith(
          {
            create: (...args) => {
              if (sessions.length > epochs) {
                back.resolve(undefined);
                return inner.create(...args);
              }
              return Promise.reject(new StoreFailure('unavailable', 'the destination is away'));
            },
          },
          inner,
        );
        sessions.push(new WeakRef(session));
        return session;
      },
    },
    inner,
  );
  return { store, sessions, back: back.promise };
}

test('with the destination away, no epoch that is over is kept in memory', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, 20));
  const { store, sessions, back } = storeAway(EPOCHS);
  const stop = new AbortController();
  const run = job.coordinator({ source, store, clock: hastyClock(20_000) }).run(stop.signal);
  await back;
  const alive = await aliveOf(sessions);
  stop.abort();

  await expect(run).resolves.toBeDefined();
  expect(sessions.length).toBeGreaterThan(EPOCHS);
  expect(alive).toBeLessThanOrEqual(ALIVE_MAX);
});
