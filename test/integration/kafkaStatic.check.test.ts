/** Static members (`source.kafka.instanceId`) of a real group: they keep their place while they are away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { TopicPartition } from '../../journal/ids.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { adminOf, Assignments, makeTopic, sourceOf, tempDir, unique } from './kafkaFixture.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const MEMBER_PROGRAM = fileURLToPath(new URL('./kafkaMember.ts', import.meta.url));
const QUICK = { heartbeatIntervalMs: 200 };

const numbersOf = (partitions: readonly TopicPartition[]): number[] =>
  partitions.map(({ partition }) => partition).toSorted();

describeIntegration('static members of a real Kafka group', () => {
  const { brokers } = services();

  /** A member that has joined; `ended` is for the failure that ends it. */
  async function join(topics: string[], groupId: string, instanceId: string, stateDir: string | null = null) {
    const { source } = sourceOf(brokers, topics, { groupId, instanceId, stateDir, tuning: QUICK });
    const ended = Promise.withResolvers<unknown>();
    const owned = new (class extends Assignments {
      override failed(error: unknown): void {
        ended.resolve(error);
      }
    })();
    await source.start(owned);
    return { source, owned, ended: ended.promise };
  }

  test('one that is restarted has its partitions again, and nobody else notices', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 4), unique('group')];
    const one = await join([topic], groupId, 'one');
    const two = await join([topic], groupId, 'two');
    await one.owned.until(({ length }) => length === 2);
    await two.owned.until(({ length }) => length === 2);
    const [mine, others] = [numbersOf(one.owned.latest), two.owned.seen.length];
    await one.source.stop();
    const again = await join([topic], groupId, 'one');
    expect(numbersOf(again.owned.latest)).toEqual(mine);
    // The commit is by the new member id; the other's generation is still the group's.
    await again.source.commitOffset(again.owned.latest[0]!, 7n, 'witness');
    await two.source.commitOffset(two.owned.latest[0]!, 8n, 'witness');
    expect(await again.source.readWitness(again.owned.latest[0]!)).toBe('witness');
    expect(two.owned.seen).toHaveLength(others);
    expect(again.owned.seen).toHaveLength(1);
  });

  test('of two with one id the older is fenced, says so, and does not come back', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 2), unique('group')];
    const older = await join([topic], groupId, 'same');
    const newer = await join([topic], groupId, 'same');
    expect(await older.ended).toMatchObject({
      code: 'SOURCE_INSTANCE_FENCED',
      fields: { instanceId: 'same', groupId },
    });
    await older.source.stop();
    await newer.source.commitOffset({ topic, partition: 1 }, 3n, 'witness');
    expect(newer.owned.seen).toHaveLength(1);
    expect(await newer.source.readWitness({ topic, partition: 1 })).toBe('witness');
  });

  test('one that comes back to a topic with more partitions, or to other topics, gets them', async () => {
    const [topic, other, groupId] = [
      await makeTopic(brokers, 1),
      await makeTopic(brokers, 1),
      unique('group'),
    ];
    const first = await join([topic], groupId, 'one');
    expect(first.owned.latest).toEqual([{ topic, partition: 0 }]);
    await first.source.stop();
    await (await adminOf(brokers)).createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    const second = await join([topic], groupId, 'one');
    await second.owned.until(({ length }) => length === 3);
    await second.source.stop();
    const third = await join([topic, other], groupId, 'one');
    await third.owned.until((partitions) => partitions.some((at) => at.topic === other));
    expect(third.owned.latest).toHaveLength(4);
  });

  test('one that is killed is dismissed by another process of its machine', async () => {
    const [topic, groupId, stateDir] = [await makeTopic(brokers, 2), unique('group'), tempDir()];
    // Its session is longer than the test.
    const tuning = { ...QUICK, sessionTimeoutMs: 600_000 };
    const member = { brokers, topic, groupId, instanceId: 'dead', stateDir, mode: 'hang', tuning };
    const child = spawn(process.execPath, [MEMBER_PROGRAM, JSON.stringify(member)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const living = await join([topic], groupId, 'living', stateDir);
    await living.owned.until(({ length }) => length === 1);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await living.owned.until(({ length }) => length === 2);
  });

  test('a process whose id is taken ends with exit code 1; the other goes on, each record once', async () => {
    const topic = uniqueName('static');
    await createTopic(brokers, topic, 2);
    const kafka = { brokers, topics: [topic], groupId: topic, instanceId: 'writer' };
    const roll = { maxBytes: '20KiB', maxAge: '1s', maxIdle: '1s' };
    const sections = { source: { kafka }, roll };
    const job = new TestJob({ brokers, topic, nats: { url: services().natsUrl }, sections });
    const producer = new NumberProducer(brokers, topic, { pauseMs: 20, partitions: 2 });
    await producer.start();
    const older = job.start();
    await older.said('checkpoint completed', 2);
    const newer = job.start();
    const end = await older.ended;
    expectCode(end, 1);
    expect(end.stderr).toContain('SOURCE_INSTANCE_FENCED');
    expect(end.stderr).toContain('as instance writer');
    await newer.said('checkpoint completed', 4);
    await producer.stop();
    const all = producer.sent.reduce((sum, count) => sum + count, 0);
    for (let files = 1; [...job.committed().values()].flat().length < all; files += 1)
      await newer.said('file committed', files);
    newer.kill('SIGTERM');
    expectCode(await newer.ended, 0);
    expectExactlyOnce(job.lake, producer.sent);
  });
});
