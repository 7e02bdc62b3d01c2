import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

describeIntegration('a running coordinator to which nothing is produced any more', () => {
  test.each([
    { reason: 'idle', limits: { maxAge: '1h', maxIdle: '1s' } },
    { reason: 'age', limits: { maxAge: '1s', maxIdle: '1h' } },
  ])('rolls by $reason without any new record, and commits', async ({ reason, limits }) => {
    const { brokers } = services();
    const topic = uniqueName(reason);
    await makeTopic(brokers, topic, { partitions: 2 });
    await produce(brokers, topic, [...numbers(0, 0, 100), ...numbers(1, 0, 100)]);
    const roll = { maxBytes: '64MiB', ...limits };
    const job = new TestJob({ brokers, topic, sections: { roll, checkpoint: { interval: '500ms' } } });
    const coordinator = job.start();
    await coordinator.said('file committed', 2);
    expect([...job.committed().values()]).toEqual([lines(0, 0, 100), lines(1, 0, 100)]);
    const events = await job.events({ topic, partition: 0 });
    const rolled = events.flatMap((event) => (event.type === 'checkpointCompleted' ? event.parts : []));
    expect(rolled.at(-1)?.roll).toMatchObject({ reason });

    // The next record opens another file, which rolls by itself again.
    await produce(brokers, topic, numbers(0, 100, 110));
    await coordinator.said('file committed', 3);
    expect([...job.committed().values()]).toEqual([lines(0, 0, 100), lines(0, 100, 110), lines(1, 0, 100)]);
    coordinator.kill('SIGTERM');
    expectCode(await coordinator.ended, 0);
  });
});
