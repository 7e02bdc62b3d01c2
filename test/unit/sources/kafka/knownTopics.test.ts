/** Which topics a process reads, as its patterns find them, and when new ones are told. */
import { expect, test } from 'vitest';
import { KnownTopics } from '../../../../src/sources/kafka/knownTopics.ts';
import { lookForNewTopics } from '../../../../src/sources/kafka/newTopics.ts';
import { Waits } from '../../../../src/sources/kafka/waits.ts';
import { ConditionBoard } from '../../../../src/telemetry/conditions.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';
import { hastyClock } from '../../../scenarios/jobFixture.ts';

/** A cluster whose answers come in turn; the last one is repeated. */
function cluster(...answers: readonly (readonly string[] | Error)[]) {
  let next = 0;
  return {
    everyTopic: (): Promise<readonly string[]> => {
      const answer = answers[Math.min(next, answers.length - 1)] ?? [];
      next += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}

const ENTRIES = ['clicks', '/orders\\..*/', '/cl.*/'];

test('those that are named come first; a pattern finds no named one, and nothing twice', async () => {
  const known = new KnownTopics(ENTRIES);
  expect(known.list()).toEqual(['clicks']);
  expect(known.unmatched()).toEqual(['/orders\\..*/']);
  await known.refresh(cluster(['orders.b', 'clicks', 'clocks', 'orders.a', 'x', '__orders.c']));
  expect(known.list()).toEqual(['clicks', 'clocks', 'orders.a', 'orders.b']);
  expect(known.unmatched()).toEqual([]);
  expect(known.list().map((topic) => known.isMatched(topic))).toEqual([false, true, true, true]);
});

test('a start takes what is there; later looks add, and forget none that is gone', async () => {
  const known = new KnownTopics(ENTRIES);
  const brokers = cluster(['orders.a'], ['orders.b'], ['orders.c', 'orders.b'], ['orders.c']);
  await known.refresh(brokers);
  await known.refresh(brokers);
  expect(known.list()).toEqual(['clicks', 'orders.b']);
  expect(await known.more(brokers)).toEqual(['orders.c']);
  expect(await known.more(brokers)).toEqual([]);
  expect(known.list()).toEqual(['clicks', 'orders.b', 'orders.c']);
});

test('without a pattern nobody is asked', async () => {
  const known = new KnownTopics(['clicks']);
  await known.refresh(cluster(new Error('asked')));
  expect([known.hasPatterns, known.list()]).toEqual([false, ['clicks']]);
});

test('what is left out is told again by the next look that finds it', async () => {
  const known = new KnownTopics(ENTRIES);
  const brokers = cluster(['clicks', 'orders.a'], ['x'], ['clicks', 'orders.a']);
  await known.refresh(brokers);
  known.leaveOut('clicks');
  known.leaveOut('orders.a');
  expect(known.list()).toEqual(['clicks']);
  expect(await known.more(brokers)).toEqual([]);
  expect(await known.more(brokers)).toEqual(['clicks', 'orders.a']);
  expect(await known.more(brokers)).toEqual([]);
  expect(known.list()).toEqual(['clicks', 'orders.a']);
});

test('without a pattern there is something to look for only while a topic is left out', async () => {
  const known = new KnownTopics(['clicks']);
  expect(known.hasToLook).toBe(false);
  known.leaveOut('clicks');
  expect(known.hasToLook).toBe(true);
  await known.more(cluster(['clicks']));
  expect(known.hasToLook).toBe(false);
});

test('new topics are told once each; a failed look is a condition until one succeeds', async () => {
  const clock = hastyClock(1_000);
  const stop = new AbortController();
  const board = new ConditionBoard({ clock, log: silentLog });
  const told: (readonly string[])[] = [];
  const raised: string[] = [];
  const failures = [new Error('no broker'), new Error('no broker')];
  const brokers = cluster(['orders.a'], ...failures, ['orders.a', 'orders.b'], ['orders.b', 'orders.c']);
  const watched = {
    everyTopic: () => {
      raised.push(
        board
          .list()
          .map(({ about }) => about)
          .join(),
      );
      return brokers.everyTopic();
    },
  };
  await lookForNewTopics({
    ...{ brokers: watched, clock, log: silentLog, signal: stop.signal, intervalMs: 1_000 },
    ...{ known: new KnownTopics(ENTRIES), waits: new Waits(silentLog, board) },
    found: (topics) => {
      told.push(topics);
      if (topics.includes('orders.c')) stop.abort();
    },
  });
  board.end();
  expect(told).toEqual([['orders.a'], ['orders.b'], ['orders.c']]);
  expect(raised).toEqual(['', '', 'the list of topics', 'the list of topics', '']);
});
