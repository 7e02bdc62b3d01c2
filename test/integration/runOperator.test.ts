import { expect, test } from 'vitest';
import type { PartitionEvent } from '../../journal/events.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

/** Why the files of a partition were rolled, in the order of their checkpoints. */
function rollReasons(events: readonly PartitionEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === 'checkpointCompleted'
      ? event.parts.flatMap(({ roll }) => (roll === null ? [] : [roll.reason]))
      : [],
  );
}

const count = (events: readonly PartitionEvent[], type: PartitionEvent['type']): number =>
  events.filter((event) => event.type === type).length;

describeIntegration('tidemark roll', () => {
  test('closes the files of a running coordinator: they are committed, and its epoch continues', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('roll');
    await makeTopic(brokers, topic, { partitions: 2 });
    await produce(brokers, topic, [...numbers(0, 0, 100), ...numbers(1, 0, 100)]);
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl } });
    const coordinator = job.start();
    await coordinator.said('checkpoint completed', 2);
    expect(job.committed().size).toBe(0);

    const one = await job.command('roll', '--partition', `${topic}/1`, '--json');
    expectCode(one, 0);
    const requestId = expect.any(Number) as number;
    expect(JSON.parse(one.stdout)).toEqual({
      request: 'roll',
      requests: [{ topic, partition: 1, requestId, answer: 'accepted', reason: null }],
    });
    await coordinator.said('file committed');
    expect([...job.committed().values()]).toEqual([lines(1, 0, 100)]);

    await produce(brokers, topic, numbers(1, 100, 200));
    await coordinator.said('checkpoint completed', 4);
    const both = await job.command('roll');
    expectCode(both, 0);
    expect(both.stdout).toContain('2 requests filed: 2 accepted, 0 refused');
    await coordinator.said('file committed', 3);
    expect([...job.committed().values()]).toEqual([lines(0, 0, 100), lines(1, 0, 100), lines(1, 100, 200)]);

    for (const [partition, rolled] of [1, 2].entries()) {
      const events = await job.events({ topic, partition });
      expect(rollReasons(events)).toEqual(Array(rolled).fill('operator'));
      expect(count(events, 'rollRequested')).toBe(rolled);
      expect(count(events, 'epochClaimed')).toBe(1);
    }
    coordinator.kill('SIGTERM');
    expectCode(await coordinator.ended, 0);
  });

  test('asked for while nothing runs is taken up by the next coordinator, once', async () => {
    const { brokers } = services();
    const topic = uniqueName('roll');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic });
    await job.finish();
    for (const taken of [1, 2]) {
      expectCode(await job.command('roll', '--no-wait'), 0);
      expect(count(await job.events({ topic, partition: 0 }), 'rollRequested')).toBe(taken - 1);
      const coordinator = job.start();
      await coordinator.said('operator request taken up');
      coordinator.kill('SIGTERM');
      expectCode(await coordinator.ended, 0);
      expect(count(await job.events({ topic, partition: 0 }), 'rollRequested')).toBe(taken);
    }
  });

  test('of a partition that the job does not know is refused and names those that it knows', async () => {
    const { brokers } = services();
    const topic = uniqueName('roll');
    await makeTopic(brokers, topic);
    const job = new TestJob({ brokers, topic });
    const early = await job.command('roll');
    expectCode(early, 1);
    expect(early.stderr).toContain('JOURNAL_MISSING');
    await job.finish();
    const refused = await job.command('roll', '--partition', `${topic}/7`);
    expectCode(refused, 1);
    expect(refused.stderr).toContain(`does not know partition ${topic}/7; it knows ${topic}/0`);
  });
});
