/** More than one process that means to read the same topics. */
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { expectExactlyOnce } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

describeIntegration('run --until-end beside others', () => {
  test('is refused where a service of the job is live, which is named, and continues', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('beside');
    await makeTopic(brokers, topic, { partitions: 2 });
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl } });
    const service = job.start();
    await service.said('partition claimed', 2);
    const refused = await job.untilEnd();
    expectCode(refused, 1);
    expect(refused.stderr).toContain('tidemark: GROUP_IN_USE: ');
    expect(refused.stderr).toContain(`tidemark-${topic}-`);
    await produce(brokers, topic, numbers(0, 0, 10));
    await service.said('checkpoint completed');
    service.kill('SIGTERM');
    expectCode(await service.ended, 0);
    expect(service.lines('partition claimed')).toHaveLength(2);
    // A member that was killed here is no master: it is made to leave.
    const killed = job.start();
    await killed.said('partition claimed', 2);
    await killed.killed();
    await job.finish();
    expectExactlyOnce(job.lake, [10, 0]);
  });

  test('shares the partitions with another one, and both end well', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('bounded');
    await makeTopic(brokers, topic, { partitions: 4 });
    for (const partition of [0, 1, 2, 3]) await produce(brokers, topic, numbers(partition, 0, 500));
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl } });
    const runs = [job.start('--until-end'), job.start('--until-end')];
    for (const run of runs) expectCode(await run.ended, 0);
    expectExactlyOnce(job.lake, [500, 500, 500, 500]);
    expect((await job.partitions()).map(({ lag }) => lag)).toEqual(['0', '0', '0', '0']);
  });

  test('and a service of another job with its group and topic are refused, the job is named', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('rivals');
    await makeTopic(brokers, topic);
    const nats = { url: natsUrl };
    const service = new TestJob({ brokers, topic, nats }).start();
    await service.said('partition claimed');
    const rival = new TestJob({ brokers, topic: `${topic}-rival`, topics: [topic], nats, groupId: topic });
    for (const run of [rival.start(), rival.start('--until-end')]) {
      const end = await run.ended;
      expectCode(end, 1);
      expect(end.stderr).toContain('GROUP_IN_USE');
      expect(end.stderr).toContain(topic);
    }
    service.kill('SIGTERM');
    expectCode(await service.ended, 0);
  });
});

describeIntegration('a topic that is missing', () => {
  test('delays no other: a service reads those that exist, and takes it up once it is made', async () => {
    const { brokers } = services();
    const [topic, late] = [uniqueName('there'), uniqueName('late')];
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic, topics: [topic, late] });
    const service = job.start();
    await service.said(`Waiting for the topics ${late}, which do not exist`);
    await service.said('checkpoint completed');
    await makeTopic(brokers, late);
    await produce(brokers, late, numbers(0, 0, 7));
    await service.said(`Topic ${late} exists now`);
    await service.said('partition claimed', 2);
    await service.said('checkpoint completed', 2);
    service.kill('SIGTERM');
    expectCode(await service.ended, 0);
    await job.finish();
    expect([...job.committed().values()].flat()).toHaveLength(17);
  });

  test('makes a bounded run fail and names it, once all others are at their ends', async () => {
    const { brokers } = services();
    const [topic, missing] = [uniqueName('there'), uniqueName('missing')];
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic, topics: [missing, topic] });
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain(
      `tidemark: ${missing} stopped: SOURCE_TOPIC_MISSING: Topic ${missing} does not exist`,
    );
    expectExactlyOnce(job.lake, [10]);
    expect(await withAdmin(brokers, (admin) => admin.listTopics())).not.toContain(missing);
  });
});
