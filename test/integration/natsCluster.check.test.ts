/** A journal in three copies: its servers are killed under a running coordinator. */
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { NatsCluster } from '../services/natsCluster.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import type { TidemarkProcess } from './tidemarkProcess.ts';

const STREAM = 'TIDEMARK';
const PARTITIONS = 4;
const NOT_TAKEN = 'the journal does not take an entry';

/** Everything that is sent by now is counted. */
async function upToNow(coordinator: TidemarkProcess, topic: string, sent: readonly number[]): Promise<void> {
  const now = [...sent];
  await Promise.all(now.map((offset, partition) => coordinator.counted(`${topic}/${partition}`, offset)));
}

describeIntegration(
  'a journal on a cluster of three nats-servers',
  () => {
    test('each is killed in turn, its leader too, then two at once: every record once', async () => {
      const { brokers } = services();
      await using cluster = await NatsCluster.start();
      const topic = uniqueName('three-nats');
      const job = new TestJob({
        ...{ brokers, topic },
        sections: {
          roll: { maxBytes: '64KiB', maxAge: '5s', maxIdle: '1s' },
          journal: { nats: { servers: cluster.urls, stream: STREAM, replicas: 3 } },
        },
      });
      await createTopic(brokers, topic, PARTITIONS);
      const producer = new NumberProducer(brokers, topic, { pauseMs: 20 });
      await producer.start();
      const coordinator = job.start();
      await coordinator.said('checkpoint completed', PARTITIONS);
      for (const node of [await cluster.leaderOf(STREAM), ...cluster.nodes]) {
        await node.kill();
        await upToNow(coordinator, topic, producer.sent);
        await node.restart();
        await cluster.untilReplicated(STREAM);
      }
      const [first, second] = cluster.nodes;
      await Promise.all([first?.kill(), second?.kill()]);
      await coordinator.said(NOT_TAKEN, coordinator.lines(NOT_TAKEN).length + 1);
      await Promise.all([first?.restart(), second?.restart()]);
      await upToNow(coordinator, topic, producer.sent);
      await producer.stop();
      coordinator.kill('SIGTERM');
      expectCode(await coordinator.ended, 0);
      await job.finish();
      expectExactlyOnce(job.lake, producer.sent);
      expect((await job.partitions()).map(({ stop }) => stop)).toEqual([null, null, null, null]);
    });
  },
  { ownServers: true, timeoutMs: 240_000 },
);
