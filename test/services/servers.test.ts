import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { expect, test, vi } from 'vitest';
import { processIdentity } from '../../scripts/services/processes.ts';
import { describeIntegration, services } from './integration.ts';
import { runKafkaTool, startKafka, startNats } from './servers.ts';

function client(brokers: string[], retries = 5): Kafka {
  return new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries } });
}

async function recordsIn(brokers: string[], topic: string): Promise<number> {
  const admin = client(brokers).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}

/**
 * Into one partition: of a request to several of a topic that is just being created some may be refused, and
 * kafkajs then sends all of it again.
 */
async function produce(brokers: string[], topic: string, values: string[]): Promise<void> {
  const producer = client(brokers).producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
  await producer.disconnect();
}

describeIntegration('the shared services', () => {
  test('a topic that a Java producer creates by writing has 4 partitions and its records', async () => {
    const { brokers } = services();
    const topic = `auto-${randomUUID()}`;
    const args = ['--bootstrap-server', brokers.join(','), '--topic', topic, '--compression-codec', 'zstd'];
    await runKafkaTool('org.apache.kafka.tools.ConsoleProducer', args, { stdin: 'one\ntwo\nthree\n' });
    expect(await recordsIn(brokers, topic)).toBe(3);

    const admin = client(brokers).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions).toHaveLength(4);
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
  });

  test('a Kafka tool that fails rejects with what it said', async () => {
    const args = ['--bootstrap-server', services().brokers.join(','), '--describe', '--topic', randomUUID()];
    await expect(runKafkaTool('org.apache.kafka.tools.TopicCommand', args)).rejects.toThrow(/does not exist/);
  });

  test('JetStream keeps a published message', async () => {
    const connection = await connect({ servers: services().natsUrl });
    const manager = await jetstreamManager(connection);
    const name = `S${randomUUID()}`;
    await manager.streams.add({ name, subjects: [`${name}.>`] });
    expect(await jetstream(connection).publish(`${name}.a`, 'hello')).toMatchObject({ seq: 1 });
    await manager.streams.delete(name);
    await connection.close();
  });
});

describeIntegration(
  "a test's own servers",
  () => {
    test('a killed Kafka comes back on the same port with its records', async () => {
      await using kafka = await startKafka();
      await produce(kafka.brokers, 'kept', ['one', 'two']);
      await kafka.kill('SIGKILL');
      await expect(client(kafka.brokers, 0).admin().connect()).rejects.toThrow();
      await kafka.restart();
      expect(await recordsIn(kafka.brokers, 'kept')).toBe(2);
      await kafka.restart();
      expect(await recordsIn(kafka.brokers, 'kept')).toBe(2);
      await kafka.stop();
      expect(existsSync(kafka.dataDir)).toBe(false);
    });

    test('a killed nats-server comes back on the same port with its messages', async () => {
      await using nats = await startNats({ config: 'max_payload: 1024' });
      const before = await connect({ servers: nats.url, reconnect: false });
      expect(before.info?.max_payload).toBe(1024);
      await (await jetstreamManager(before)).streams.add({ name: 'KEPT', subjects: ['kept.>'] });
      await jetstream(before).publish('kept.a', 'hello');
      await nats.kill();
      await before.closed();
      await nats.restart();
      const after = await connect({ servers: nats.url });
      const { state } = await (await jetstreamManager(after)).streams.info('KEPT');
      expect(state.messages).toBe(1);
      await after.close();
    });

    test('a paused server answers nobody until it is resumed', async () => {
      await using nats = await startNats();
      const connection = await connect({ servers: nats.url });
      const manager = await jetstreamManager(connection, { timeout: 300 });
      await nats.pause();
      await expect(manager.getAccountInfo()).rejects.toThrow(/timeout/i);
      nats.resume();
      await expect(manager.getAccountInfo()).resolves.toBeDefined();
      await connection.close();
    });

    test('a server ends, and its data go, with the process that started it', async () => {
      const script = `
        const { startNats } = await import('./test/services/servers.ts');
        const { processIdentity } = await import('./scripts/services/processes.ts');
        const { dataDir, port } = await startNats();
        console.log(JSON.stringify({ dataDir, port }));
        setInterval(() => {}, 1000);`;
      const owner = spawn(process.execPath, ['--input-type=module', '-e', script]);
      const [line] = (await owner.stdout.take(1).toArray()) as [Buffer];
      const { dataDir, port } = JSON.parse(line.toString()) as { dataDir: string; port: number };
      owner.kill('SIGKILL');
      await vi.waitFor(() => expect(existsSync(dataDir)).toBe(false), { timeout: 10_000 });
      await expect(connect({ servers: `127.0.0.1:${String(port)}`, reconnect: false })).rejects.toThrow();
      expect(processIdentity(owner.pid ?? 0)).toBeUndefined();
    });
  },
  { ownServers: true },
);
