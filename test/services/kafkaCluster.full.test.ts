import { expect, test } from 'vitest';
import { lines, numbers, withProducer } from '../integration/kafkaTopics.ts';
import { describeIntegration } from './integration.ts';
import { KafkaCluster } from './kafkaCluster.ts';
import { runKafkaTool } from './servers.ts';

describeIntegration(
  'a Kafka cluster of three',
  () => {
    test('any one is killed in turn: another leads, no acknowledged record is lost, it returns', async () => {
      await using cluster = await KafkaCluster.start({ controllers: 3, isProxied: true });
      const topic = 'turns';
      const configEntries = [{ name: 'min.insync.replicas', value: '2' }];
      await cluster.createTopic({ topic, numPartitions: 1, replicationFactor: 3, configEntries });
      let sent = 0;
      await withProducer(cluster.brokers, async (producer) => {
        for (const node of cluster.nodes) {
          await node.kill('SIGKILL');
          await producer.send({ topic, messages: numbers(0, sent, sent + 10) });
          sent += 10;
          await node.restart();
          await cluster.untilInSync(topic);
        }
      });
      const args = ['--bootstrap-server', cluster.brokers.join(','), '--topic', topic];
      const read = ['--from-beginning', '--max-messages', String(sent), '--timeout-ms', '20000'];
      const { stdout } = await runKafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
        ...args,
        ...read,
      ]);
      expect(stdout.trimEnd().split('\n')).toEqual(lines(0, 0, sent));
    });
  },
  { ownServers: true, timeoutMs: 240_000 },
);
