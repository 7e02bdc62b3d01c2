/** Topics that a regular expression of the job file finds, at the start and later. */
import { expect, test } from 'vitest';
import { isJournalFailure } from '../../journal/failure.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import type { LogLine, TidemarkProcess } from './tidemarkProcess.ts';

function linesOf(job: TestJob, topic: string): readonly string[] {
  return [...job.committed()].filter(([name]) => name.includes(topic)).flatMap(([, content]) => content);
}

function told(service: TidemarkProcess, message: string, partition: string): Promise<unknown> {
  return service.saw(
    `${message}: ${partition}`,
    (line) => line.msg.includes(message) && line['partition'] === partition,
  );
}

const claimed = (service: TidemarkProcess, partition: string): Promise<unknown> =>
  told(service, 'partition claimed', partition);

/**
 * What the live coordinators say they wait for, once it is as wanted: they report it now and then. A service
 * that says that it waits may not have its journal yet.
 */
async function conditionsOnce(job: TestJob, isWanted: (text: string) => boolean): Promise<void> {
  for (;;) {
    const status = await job.status().catch((error: unknown) => {
      if (!isJournalFailure(error, 'missing')) throw error;
      return null;
    });
    const conditions = status?.coordinators.flatMap((coordinator) => coordinator.conditions);
    if (conditions !== undefined && isWanted(conditions.map(({ message }) => message).join())) return;
  }
}

const patternOf = (theme: string): string => `/${theme}\\..*/`;

describeIntegration('topics by regular expression', () => {
  test('a service waits for the first, reads new ones from their first record, and says so', async () => {
    const { brokers } = services();
    const theme = uniqueName('orders');
    const pattern = patternOf(theme);
    const kafka = { brokers, topics: [pattern], groupId: theme, startFrom: 'latest' };
    const job = new TestJob({ brokers, topic: theme, sections: { source: { kafka } } });
    const service = job.start();
    await service.said(`Waiting for a topic that matches ${pattern}`);
    await conditionsOnce(job, (text) => text.includes(`Waiting for a topic that matches ${pattern}`));
    // Another name, and one that has it only as its begin: neither is the job's.
    await makeTopic(brokers, `x${theme}.a`);
    await makeTopic(brokers, theme);
    await makeTopic(brokers, `${theme}.a`, { partitions: 2 });
    await produce(brokers, `${theme}.a`, [...numbers(0, 0, 10), ...numbers(1, 0, 5)]);
    await Promise.all([claimed(service, `${theme}.a/0`), claimed(service, `${theme}.a/1`)]);
    await makeTopic(brokers, `${theme}.b`);
    await produce(
      brokers,
      `${theme}.b`,
      numbers(2, 0, 7).map((message) => ({ ...message, partition: 0 })),
    );
    await claimed(service, `${theme}.b/0`);
    await conditionsOnce(job, (text) => !text.includes('Waiting for a topic'));
    service.kill('SIGTERM');
    expectCode(await service.ended, 0);
    // The one that was read first was not given up for the other.
    expect(service.lines('partition claimed')).toHaveLength(3);
    await job.finish();
    expect([...linesOf(job, `${theme}.a`)].toSorted()).toEqual(
      [...lines(0, 0, 10), ...lines(1, 0, 5)].toSorted(),
    );
    expect(linesOf(job, `${theme}.b`)).toEqual(lines(2, 0, 7));
    expect(
      (await job.partitions()).map(({ topic, partition }) => `${topic}/${partition}`).toSorted(),
    ).toEqual([`${theme}.a/0`, `${theme}.a/1`, `${theme}.b/0`]);
  });

  test('those of the first start begin by startFrom, one that comes later at its begin', async () => {
    const { brokers } = services();
    const theme = uniqueName('orders');
    await makeTopic(brokers, `${theme}.a`);
    await produce(brokers, `${theme}.a`, numbers(0, 0, 10));
    const kafka = { brokers, topics: [patternOf(theme)], groupId: theme, startFrom: 'latest' };
    const job = new TestJob({ brokers, topic: theme, sections: { source: { kafka } } });
    await job.finish();
    await produce(brokers, `${theme}.a`, numbers(0, 10, 15));
    await makeTopic(brokers, `${theme}.b`);
    await produce(brokers, `${theme}.b`, numbers(0, 0, 3));
    await job.finish();
    expect(linesOf(job, `${theme}.a`)).toEqual(lines(0, 10, 15));
    expect(linesOf(job, `${theme}.b`)).toEqual(lines(0, 0, 3));
  });

  test('without any a bounded run fails and names the expression, once all others are read', async () => {
    const { brokers } = services();
    const [theme, there] = [uniqueName('nothing'), uniqueName('there')];
    const pattern = patternOf(theme);
    await makeTopic(brokers, there);
    await produce(brokers, there, numbers(0, 0, 10));
    const none = await new TestJob({ brokers, topic: theme, topics: [pattern] }).untilEnd();
    expectCode(none, 1);
    expect(none.stderr).toContain('tidemark: SOURCE_TOPIC_MISSING: ');
    expect(none.stderr).toContain(`the expression ${pattern} matches no topic that exists`);
    const job = new TestJob({ brokers, topic: theme, topics: [there, pattern] });
    const some = await job.untilEnd();
    expectCode(some, 1);
    expect(some.stderr).toContain(`tidemark: ${pattern} stopped: SOURCE_TOPIC_MISSING: `);
    expect(linesOf(job, there)).toEqual(lines(0, 0, 10));
  });

  test('two coordinators share a topic that comes, and publish it exactly once if it goes', async () => {
    const { brokers, natsUrl } = services();
    const theme = uniqueName('shared');
    const [kept, gone] = [`${theme}.a`, `${theme}.b`];
    await makeTopic(brokers, kept, { partitions: 2 });
    const job = new TestJob({
      ...{ brokers, topic: theme, topics: [patternOf(theme)], nats: { url: natsUrl } },
    });
    const both = [job.start(), job.start()];
    await Promise.all(both.map((service) => service.said('partition claimed')));
    await makeTopic(brokers, gone, { partitions: 4 });
    await produce(
      brokers,
      gone,
      [0, 1, 2, 3].flatMap((partition) => numbers(partition, 0, 10)),
    );
    await produce(brokers, kept, [...numbers(0, 0, 10), ...numbers(1, 0, 10)]);
    const four = [0, 1, 2, 3].map((partition) => `${gone}/${partition}`);
    // Each finds it at a time of its own: the first may have all of it for a while.
    const claim = (line: LogLine): boolean =>
      line.msg === 'partition claimed' && four.some((name) => line['partition'] === name);
    await Promise.all(both.map((service) => service.saw('a claim of the new topic', claim)));
    await Promise.all(four.map((name) => Promise.any(both.map((service) => service.counted(name, 10)))));
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [gone] }));
    await Promise.all(
      four.map((name) => Promise.any(both.map((service) => told(service, 'the partition is retired', name)))),
    );
    for (const service of both) service.kill('SIGTERM');
    for (const service of both) expectCode(await service.ended, 0);
    await job.finish();
    expect([...linesOf(job, gone)].toSorted()).toEqual(
      [0, 1, 2, 3].flatMap((partition) => lines(partition, 0, 10)).toSorted(),
    );
    expect([...linesOf(job, kept)].toSorted()).toEqual([...lines(0, 0, 10), ...lines(1, 0, 10)].toSorted());
  });
});
