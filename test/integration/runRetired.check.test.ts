/** Topics that are taken out of the job or deleted, with counted records in files in progress. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

/** Reads both topics into files in progress, and ends in good order. */
async function twoTopics() {
  const { brokers } = services();
  const [kept, gone] = [uniqueName('kept'), uniqueName('gone')];
  for (const topic of [kept, gone]) {
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
  }
  const job = new TestJob({ brokers, topic: kept, topics: [kept, gone] });
  const service = job.start();
  await service.said('checkpoint completed', 2);
  service.kill('SIGTERM');
  expectCode(await service.ended, 0);
  expect(job.committed().size).toBe(0);
  return { brokers, kept, gone, job };
}

const hidden = (job: TestJob): string[] =>
  readdirSync(job.lake, { recursive: true, encoding: 'utf8' }).filter((name) => /(^|\/)\.part/.test(name));

function linesOf(job: TestJob, topic: string): readonly string[] {
  return [...job.committed()].filter(([name]) => name.includes(topic)).flatMap(([, content]) => content);
}

describeIntegration('a topic with counted records', () => {
  test('that left the job is published by the next run, retired, read again if it is back', async () => {
    const { brokers, kept, gone, job } = await twoTopics();
    const without = new TestJob({ brokers, topic: kept, topics: [kept], folder: job.folder });
    const end = await without.finish();
    expect(end.stderr).toContain(`${gone}/0 is no longer in the source`);
    expect(linesOf(job, gone)).toEqual(lines(0, 0, 10));
    expect(hidden(job)).toEqual([]);
    expect((await job.events({ topic: gone, partition: 0 })).at(-1)).toMatchObject({
      type: 'partitionRetired',
    });
    await produce(brokers, gone, numbers(0, 10, 15));
    await new TestJob({ brokers, topic: kept, topics: [kept, gone], folder: job.folder }).finish();
    expect(linesOf(job, gone)).toEqual(lines(0, 0, 15));
  });

  test('that is deleted while nobody runs is published by a service, which waits only for it', async () => {
    const { brokers, kept, gone, job } = await twoTopics();
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [gone] }));
    const service = job.start();
    await service.said('the partition is retired');
    expect(linesOf(job, gone)).toEqual(lines(0, 0, 10));
    await produce(brokers, kept, numbers(0, 10, 20));
    await service.said('checkpoint completed');
    service.kill('SIGTERM');
    expectCode(await service.ended, 0);
    const bounded = await job.untilEnd();
    expectCode(bounded, 1);
    expect(bounded.stderr).toContain(`tidemark: ${gone} stopped: SOURCE_TOPIC_MISSING`);
    expect(linesOf(job, kept)).toEqual(lines(0, 0, 20));
    expect(hidden(job)).toEqual([]);
  });

  test('that is deleted under a service is published and retired; the other is still read', async () => {
    const { brokers, natsUrl } = services();
    const [kept, gone] = [uniqueName('kept'), uniqueName('gone')];
    for (const topic of [kept, gone]) await makeTopic(brokers, topic);
    for (const topic of [kept, gone]) await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic: kept, topics: [kept, gone], nats: { url: natsUrl } });
    const service = job.start();
    await service.said('checkpoint completed', 2);
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [gone] }));
    await service.said('the partition is retired');
    expect(linesOf(job, gone)).toEqual(lines(0, 0, 10));
    await produce(brokers, kept, numbers(0, 10, 20));
    service.kill('SIGTERM');
    expectCode(await service.ended, 0);
    await new TestJob({
      ...{ brokers, topic: kept, topics: [kept], folder: job.folder, nats: { url: natsUrl } },
    }).finish();
    expect(linesOf(job, kept)).toEqual(lines(0, 0, 20));
    expect(hidden(job)).toEqual([]);
  });
});

describeIntegration('two jobs of one name on one stream', () => {
  test('with other sinks: the second is refused, both named, unless --move-sink permits it', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('sinks');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const nats = { url: natsUrl };
    const first = new TestJob({ brokers, topic, nats });
    await first.finish();
    const second = new TestJob({ brokers, topic, nats });
    const end = await second.untilEnd();
    expectCode(end, 2);
    expect(end.stderr).toContain('tidemark: SINK_CHANGED: ');
    for (const job of [first, second]) expect(end.stderr).toContain(job.lake);
    expect(second.committed().size).toBe(0);
    await produce(brokers, topic, numbers(0, 10, 20));
    await second.finish('--move-sink');
    expect([...second.committed().values()].flat()).toEqual(lines(0, 10, 20));
    expect((await second.jobEvents()).filter(({ type }) => type === 'jobStarted').at(-1)).toMatchObject({
      moved: ['sink'],
    });
  });
});
