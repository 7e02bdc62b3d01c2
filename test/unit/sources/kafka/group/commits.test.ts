/** A commit that nobody wants any more ends, wherever it is. */
import { getEventListeners } from 'node:events';
import { logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../../../src/system/clock.ts';
import { untilAny } from '../../../../../src/system/bounded.ts';
import { commitWitness, type CommitContext } from '../../../../../src/sources/kafka/group/commits.ts';
import type { Generation } from '../../../../../src/sources/kafka/group/membership.ts';
import { DEFAULT_TUNING } from '../../../../../src/sources/kafka/options.ts';
import { Waits } from '../../../../../src/sources/kafka/waits.ts';
import { silentLog } from '../../../../../src/telemetry/log.ts';

const at = { topic: 'clicks', partition: 0 };

/** A group of one member, whose coordinator answers as `answer` does. */
function bench(answer: () => Promise<never>, generation: Generation | null) {
  const over = new AbortController();
  let asked = 0;
  const context: CommitContext = {
    ...{
      config: { brokers: [], logLevel: logLevel.NOTHING },
      addresses: [],
      groupId: 'g',
      topics: () => ['clicks'],
    },
    ...{
      clock: systemClock,
      log: silentLog,
      waits: new Waits(silentLog, null),
      instanceId: null,
      records: null,
    },
    tuning: DEFAULT_TUNING,
    member: { job: 'job', version: '0.0.0', isBounded: false },
    signal: over.signal,
    brokers: {
      atCoordinator: () => {
        asked += 1;
        return answer();
      },
      forgetCoordinator: () => undefined,
    },
  };
  let [waiting, woken] = [0, 0];
  const membership = {
    generation,
    nextJoin: (signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        waiting += 1;
        signal?.addEventListener('abort', () => {
          woken += 1;
          resolve();
        });
      }),
  };
  const again = (): Promise<void> => commitWitness(context, membership, at, 5n, 'witness');
  const committing = again();
  committing.catch(() => undefined);
  return { over, committing, again, asked: () => asked, joins: () => ({ waiting, woken }) };
}

const OWN: Generation = {
  ...{ memberId: 'm', generationId: 1, partitions: [at], unnamed: [] },
};

describe('a commit that is cancelled', () => {
  test('while the coordinator does not answer', async () => {
    const { over, committing } = bench(() => new Promise(() => undefined), OWN);
    over.abort();
    await expect(committing).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('between two tries: there is no other', async () => {
    const refused = Promise.withResolvers<undefined>();
    const { over, committing, asked } = bench(() => {
      refused.resolve(undefined);
      return Promise.reject(new Error('it is away'));
    }, OWN);
    await refused.promise;
    over.abort();
    await expect(committing).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked()).toBe(1);
  });

  test('before it began: one try is made, and nobody waits for it', async () => {
    const { over, asked, again } = bench(() => new Promise(() => undefined), OWN);
    over.abort();
    await expect(again()).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked()).toBe(2);
  });

  test('while the group takes nobody in', async () => {
    const { over, committing, joins } = bench(() => Promise.reject(new Error('never asked')), null);
    over.abort();
    await expect(committing).rejects.toMatchObject({ name: 'AbortError' });
    expect(joins()).toEqual({ waiting: 1, woken: 1 });
  });
});

test('work until one of several signals holds on to none of them', async () => {
  const [source, epoch] = [new AbortController(), new AbortController()];
  for (let count = 0; count < 20; count += 1)
    await untilAny([source.signal, epoch.signal, undefined], () => Promise.resolve());
  expect(getEventListeners(source.signal, 'abort')).toEqual([]);
  expect(getEventListeners(epoch.signal, 'abort')).toEqual([]);
  const ended = await untilAny([source.signal, epoch.signal], async (signal) => {
    epoch.abort();
    return signal.aborted;
  });
  expect(ended).toBe(true);
});
