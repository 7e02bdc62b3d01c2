/** What a fetcher waits for stands among the conditions while it lasts, and not longer. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../../src/system/clock.ts';
import { ConditionBoard, type Condition } from '../../../../src/telemetry/conditions.ts';
import { Fetcher } from '../../../../src/sources/kafka/fetcher.ts';
import { DEFAULT_TUNING } from '../../../../src/sources/kafka/options.ts';
import { Waits } from '../../../../src/sources/kafka/waits.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';
import { buildBatch, valued } from './batchBuilder.ts';
import { ScriptedBrokers } from './scriptedBrokers.ts';

let closing: AbortController;
let brokers: ScriptedBrokers;
let fetcher: Fetcher;
let conditions: ConditionBoard;
let raised: PromiseWithResolvers<Condition>;

beforeEach(() => {
  closing = new AbortController();
  brokers = new ScriptedBrokers(closing.signal);
  conditions = new ConditionBoard({ clock: systemClock, log: silentLog });
  raised = Promise.withResolvers();
  const told = {
    raise(key: string, condition: Condition) {
      conditions.raise(key, condition);
      raised.resolve(condition);
    },
    clear: (key: string) => conditions.clear(key),
    list: () => conditions.list(),
  };
  fetcher = new Fetcher({
    ...{ brokers, clock: systemClock, log: silentLog, waits: new Waits(silentLog, told) },
    tuning: { ...DEFAULT_TUNING, fetchWaitMs: 5, pollMs: 5 },
    ...{ addresses: ['b:1'], signal: closing.signal },
  });
});

afterEach(async () => {
  closing.abort();
  await fetcher.close();
  conditions.end();
});

const open = (partition = 0) => fetcher.open({ topic: 'orders', partition }, 0n, null);
const records = () => ({
  lastStableOffset: 1n,
  records: buildBatch({ baseOffset: 0n, records: valued('one') }),
});
const about = (): string[] => conditions.list().map((condition) => condition.about);

test('a broker that cannot be reached, until each of its partitions is served by another', async () => {
  brokers.leaders = [1, 1];
  brokers.answer = (_asked, _request, nodeId) => {
    if (nodeId === 1) throw new Error('connection refused');
    return records();
  };
  const [first, second] = [open(0), open(1)];
  expect(await raised.promise).toMatchObject({
    ...{ kind: 'retried', about: 'broker 1', code: 'SOURCE_UNAVAILABLE' },
    message: 'Fetching from broker 1 failed and is tried again: connection refused',
  });
  brokers.leaders = [2, 1];
  await first.next();
  expect(about()).toEqual(['broker 1']);
  brokers.leaders = [2, 2];
  await second.next();
  expect(about()).toEqual([]);
});

test('a broker that cannot be reached, until nobody wants its partitions any more', async () => {
  brokers.answer = () => {
    throw new Error('connection refused');
  };
  const feed = open();
  await raised.promise;
  await feed.close();
  expect(about()).toEqual([]);
});

test('a partition without a leader, until it has one that gives records', async () => {
  brokers.leaders = [-1];
  brokers.answer = () => records();
  const feed = open();
  expect(await raised.promise).toMatchObject({ kind: 'retried', about: 'orders/0' });
  brokers.leaders = [1];
  await feed.next();
  expect(about()).toEqual([]);
});

test('a partition that its leader does not serve', async () => {
  const NOT_LEADER = 6;
  let answers = 0;
  brokers.answer = () => {
    answers += 1;
    return answers < 3 ? { errorCode: NOT_LEADER } : records();
  };
  const feed = open();
  expect((await raised.promise).message).toContain('does not serve orders/0');
  await feed.next();
  expect(about()).toEqual([]);
});

test('metadata that cannot be read', async () => {
  const { metadata } = brokers;
  let asked = 0;
  brokers.metadata = (topics) => {
    asked += 1;
    if (asked < 3) return Promise.reject(new Error('no broker answers'));
    return metadata.call(brokers, topics);
  };
  brokers.answer = () => records();
  const feed = open();
  expect(await raised.promise).toMatchObject({ kind: 'retried', about: "Kafka's metadata" });
  await feed.next();
  expect(about()).toEqual([]);
});

test('an offset outside the log of which Kafka does not say what it holds', async () => {
  const OUT_OF_RANGE = 1;
  let isOut = true;
  brokers.answer = () => (isOut ? { errorCode: OUT_OF_RANGE } : records());
  const feed = open();
  expect(await raised.promise).toMatchObject({ kind: 'waiting', about: 'orders/0' });
  isOut = false;
  await feed.close();
  expect(about()).toEqual([]);
});
