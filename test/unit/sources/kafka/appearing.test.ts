/** Topics that come late: described before they are assigned, and again after they were left out. */
import { expect, test } from 'vitest';
import { AppearingTopics } from '../../../../src/sources/kafka/appearing.ts';
import { Waits } from '../../../../src/sources/kafka/waits.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';
import { until } from '../../../scenarios/service.ts';
import { hastyClock } from '../../../scenarios/jobFixture.ts';

test('a topic that was left out and is found again is described and assigned again', async () => {
  const told: string[] = [];
  const topics = new AppearingTopics(
    {
      ...{ clock: hastyClock(), log: silentLog, signal: new AbortController().signal, pollMs: 1_000 },
      ...{ waits: new Waits(silentLog, null), unmatched: () => [] },
      look: (names) =>
        Promise.resolve(names.map((topic) => ({ topic, topicId: null, partitions: 1, isMatched: true }))),
      listener: {
        assigned: (partitions) => void told.push(`assigned ${partitions.map(({ topic }) => topic).join()}`),
        topicAppeared: ({ topic }) => void told.push(`appeared ${topic}`),
        failed: () => undefined,
      },
    },
    [],
  );
  const both = ['clicks', 'orders'].map((topic) => ({ topic, partition: 0 }));
  topics.found(['orders']);
  expect(told).toEqual([]);
  topics.assigned(both, []);
  const once = ['assigned clicks', 'appeared orders', 'assigned clicks,orders'];
  await until(() => told.length === once.length);
  expect(told).toEqual(once);
  topics.found(['orders']);
  await until(() => told.length === 2 * once.length);
  expect(told).toEqual([...once, ...once]);
});
