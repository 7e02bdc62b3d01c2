import { setTimeout as delay } from 'node:timers/promises';
/** Brokers that go away and come back, that refuse, and several of them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../scripts/services/processes.ts';
import { describeIntegration } from '../services/integration.ts';
import { startKafka } from '../services/servers.ts';
import {
  Assignments,
  createTopic,
  factsOf,
  makeTopic,
  producerOf,
  readTo,
  sourceOf,
  tempDir,
  unique,
  values,
} from './kafkaFixture.ts';

const never = new AbortController().signal;

describeIntegration(
  'Kafka brokers that come and go',
  () => {
    test('a broker killed and restarted in the middle: reading, committing and asking go on', async () => {
      await using kafka = await startKafka();
      const { brokers } = kafka;
      const topic = await makeTopic(brokers, 2);
      const producer = await producerOf(brokers);
      const numbered = (from: number) =>
        Array.from({ length: 50 }, (_, index) => ({ partition: 0, value: `v${from + index}` }));
      await producer.send({ topic, messages: numbered(0) });
      // How long a broker takes to come back is the machine's affair, and not what this test is about.
      const { source, lines } = sourceOf(brokers, [topic], { tuning: { questionMs: 200_000 } });
      const { topicId } = await factsOf(source);
      const assignments = new Assignments();
      await source.start(assignments);
      const feed = source.open({ topic, partition: 0 }, 0n, topicId);
      const before = await readTo(feed, 50n);
      const rest = readTo(feed, 100n, 50n);
      await kafka.kill();
      const committed = source.commitOffset({ topic, partition: 0 }, 50n, 'in the outage');
      const verified = source.verifyIdentity(topic, topicId);
      const asked = source.ranges(topic);
      while (!lines.some(({ level, message }) => level === 'warn' && message.includes('Fetching'))) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await kafka.restart();
      await Promise.all([committed, verified, asked]);
      await producer.send({ topic, messages: numbered(50) });
      expect(values([...before, ...(await rest)])).toEqual(
        Array.from({ length: 100 }, (_, index) => `v${index}`),
      );
      expect(await source.readWitness({ topic, partition: 0 })).toBe('in the outage');
      await source.commitOffset({ topic, partition: 1 }, 0n, 'afterwards');
      expect(assignments.latest).toHaveLength(2);
      expect(assignments.failures).toEqual([]);
    });

    test('a broker that freezes: the feed goes on where it was when it thaws', async () => {
      await using kafka = await startKafka();
      const { brokers } = kafka;
      const topic = await makeTopic(brokers);
      const producer = await producerOf(brokers);
      const { source, lines } = sourceOf(brokers, [topic], {
        tuning: { requestTimeoutMs: 1_000, fetchWaitMs: 100 },
      });
      const feed = source.open({ topic, partition: 0 }, 0n, null);
      await producer.send({ topic, messages: [{ value: 'before' }] });
      await readTo(feed, 1n);
      const read = readTo(feed, 2n, 1n);
      await kafka.pause();
      while (!lines.some(({ message }) => message.includes('failed and is tried again'))) await delay(20);
      kafka.resume();
      await producer.send({ topic, messages: [{ value: 'thawed' }] });
      expect(values(await read)).toEqual(['thawed']);
    });

    test('describe waits for brokers, or says that they do not answer', async () => {
      const port = await freePort();
      const brokers = [`127.0.0.1:${port}`];
      const impatient = sourceOf(brokers, ['any'], { tuning: { pollMs: 50 } });
      await expect(
        impatient.source.describe({ wait: false, onWaiting: () => undefined, signal: never }),
      ).rejects.toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        message: expect.stringContaining(brokers[0] ?? '') as string,
      });
      const topic = unique('later');
      const { source } = sourceOf(brokers, [topic], { tuning: { pollMs: 50 } });
      const told: string[] = [];
      const { promise: waiting, resolve: toldOnce } = Promise.withResolvers<undefined>();
      const onWaiting = (message: string): void => {
        told.push(message);
        toldOnce(undefined);
      };
      const described = source.describe({ wait: true, onWaiting, signal: never });
      await waiting;
      await using kafka = await startKafka({ port });
      await createTopic(kafka.brokers, { topic, numPartitions: 2 });
      // Brokers are waited for; a topic that they do not know yet holds up no other, and is named.
      const { topics, missing = [] } = await described;
      expect([...topics.map((facts) => facts.topic), ...missing]).toEqual([topic]);
      expect(told.length).toBeLessThanOrEqual(4);
      expect(told[0]).toContain('Waiting for Kafka');
      if (missing.length > 0) expect(told.at(-1)).toContain(topic);
      await source.stop();
    });

    test('stop ends promptly while no broker answers', async () => {
      const { source, lines } = sourceOf([`127.0.0.1:${await freePort()}`], ['any'], { stateDir: tempDir() });
      const started = source.start(new Assignments());
      const feed = source.open({ topic: 'any', partition: 0 }, 0n, null);
      const waiting = expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
      for (let asked = 0; asked < 20 && lines.length === 0; asked += 1) await delay(25);
      await source.stop();
      await started;
      await waiting;
    });

    test('wrong SASL credentials are refused at once, without the secret in error or log; right ones work', async () => {
      const [port, saslPort, controllerPort] = [await freePort(), await freePort(), await freePort()];
      const listeners = `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}`;
      const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
      await using kafka = await startKafka({
        port,
        config: {
          listeners: `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
          'advertised.listeners': listeners,
          'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
          'listener.security.protocol.map':
            'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
          'inter.broker.listener.name': 'PLAINTEXT',
          'sasl.enabled.mechanisms': 'PLAIN',
          'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${login} user_alice="the-right-secret";`,
        },
      });
      const topic = await makeTopic(kafka.brokers);
      const producer = await producerOf(kafka.brokers);
      await producer.send({ topic, messages: [{ value: 'for alice' }] });
      const saslBrokers = [`127.0.0.1:${saslPort}`];
      const sasl = (password: string) => ({ mechanism: 'plain', username: 'alice', password }) as const;
      const wrong = sourceOf(saslBrokers, [topic], { sasl: sasl('the-wrong-secret') });
      const refused = await wrong.source
        .describe({ wait: true, onWaiting: () => undefined, signal: never })
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'SOURCE_AUTHENTICATION' });
      const assignments = new Assignments();
      await wrong.source.start(assignments);
      expect(assignments.failures).toMatchObject([{ code: 'SOURCE_AUTHENTICATION' }]);
      await expect(wrong.source.ranges(topic)).rejects.toMatchObject({ code: 'SOURCE_AUTHENTICATION' });
      const everythingSaid = JSON.stringify([
        wrong.lines,
        String(refused),
        refused,
        (refused as Error).stack,
      ]);
      expect(everythingSaid).not.toContain('the-wrong-secret');
      const right = sourceOf(saslBrokers, [topic], { sasl: sasl('the-right-secret') });
      const joined = new Assignments();
      await right.source.start(joined);
      expect(joined.latest).toHaveLength(1);
      expect(values(await readTo(right.source.open({ topic, partition: 0 }, 0n, null), 1n))).toEqual([
        'for alice',
      ]);
      expect(JSON.stringify(right.lines)).not.toContain('the-right-secret');
      await right.source.stop();
    });

    test('two brokers: each leader is asked for its own partitions, and one that is away holds up only those', async () => {
      const controllerPort = await freePort();
      const [ports, dirs] = [[await freePort(), await freePort()] as const, [tempDir(), tempDir()] as const];
      const voters = { 'controller.quorum.voters': `1@127.0.0.1:${controllerPort}` };
      const listeners = `PLAINTEXT://127.0.0.1:${ports[0]},CONTROLLER://127.0.0.1:${controllerPort}`;
      await using first = await startKafka({
        port: ports[0],
        dataDir: dirs[0],
        config: { ...voters, listeners },
      });
      // Groups are kept by the broker that was there first.
      const groupId = unique('group');
      const early = sourceOf(first.brokers, [await makeTopic(first.brokers)], { groupId });
      await early.source.start(new Assignments());
      await early.source.stop();
      const clusterId = /^cluster\.id=(.*)$/m.exec(
        readFileSync(path.join(dirs[0], 'data', 'meta.properties'), 'utf8'),
      )?.[1];
      mkdirSync(path.join(dirs[1], 'data'));
      const meta = {
        version: '1',
        'node.id': '2',
        'cluster.id': clusterId ?? '',
        'directory.id': randomBytes(16).toString('base64url'),
      };
      const properties = Object.entries(meta).map(([key, value]) => `${key}=${value.replace(/^-/, 'A')}\n`);
      writeFileSync(path.join(dirs[1], 'data', 'meta.properties'), properties.join(''));
      const secondConfig = {
        ...voters,
        'process.roles': 'broker',
        'node.id': '2',
        listeners: `PLAINTEXT://127.0.0.1:${ports[1]}`,
      };
      await using second = await startKafka({ port: ports[1], dataDir: dirs[1], config: secondConfig });
      const { brokers } = first;
      const topic = unique('spread');
      const replicaAssignment = [1, 2, 1, 2].map((replica, partition) => ({
        partition,
        replicas: [replica],
      }));
      await createTopic(brokers, { topic, replicaAssignment });
      const producer = await producerOf(brokers);
      for (const partition of [0, 1, 2, 3])
        await producer.send({ topic, messages: [{ partition, value: `p${partition}` }] });
      const { source } = sourceOf(brokers, [topic], {
        tuning: { metadataMaxAgeMs: 500, heartbeatIntervalMs: 200 },
      });
      const assignments = new Assignments();
      await source.start(assignments);
      expect(assignments.latest).toHaveLength(4);
      expect(await source.ranges(topic)).toEqual(
        replicaAssignment.map(() => ({ startOffset: 0n, endOffset: 1n })),
      );
      const feeds = [0, 1, 2, 3].map((partition) => source.open({ topic, partition }, 0n, null));
      expect((await Promise.all(feeds.map((feed) => readTo(feed, 1n)))).map(values)).toEqual([
        ['p0'],
        ['p1'],
        ['p2'],
        ['p3'],
      ]);
      await second.kill();
      const late = readTo(feeds[1]!, 2n, 1n);
      await producer.send({ topic, messages: [{ partition: 0, value: 'still here' }] });
      expect(values(await readTo(feeds[0]!, 2n, 1n))).toEqual(['still here']);
      await source.commitOffset({ topic, partition: 0 }, 2n, 'while the other is away');
      await second.restart();
      await producer.send({ topic, messages: [{ partition: 1, value: 'back again' }] });
      expect(values(await late)).toEqual(['back again']);
      await source.stop();
    });
  },
  { ownServers: true, timeoutMs: 240_000 },
);
