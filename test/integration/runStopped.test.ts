import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { committedDigests, expectUnchanged } from './numbers.ts';
import { expectCode, TestJob, uniqueName, type PartitionDocument } from './testJob.ts';

const STOPPED = 'the partition is stopped until an operator';
const TAKEN_UP = 'operator request taken up';

async function recreate(brokers: readonly string[], topic: string, records: number): Promise<void> {
  await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
  await makeTopic(brokers, topic);
  await produce(brokers, topic, numbers(0, 0, records));
}

/**
 * Four topics that are read to offset 10 and then: continue; lose offsets; are made again; end before the
 * group's offset.
 */
async function troubled(brokers: readonly string[]) {
  const theme = uniqueName('stopped');
  const [good, lost, again, cut] = ['good', 'lost', 'again', 'cut'].map((what) => `${theme}-${what}`) as [
    string,
    string,
    string,
    string,
  ];
  const topics = [good, lost, again, cut];
  const kafka = { brokers, topics, groupId: theme, startFrom: 'group' };
  const roll = { maxBytes: '64MiB', maxAge: '1h', maxIdle: '1s' };
  const job = new TestJob({ brokers, topic: theme, sections: { source: { kafka }, roll } });
  for (const topic of topics) {
    await makeTopic(brokers, topic, { partitions: topic === lost ? 2 : 1 });
    await produce(brokers, topic, numbers(0, 0, 10));
  }
  await job.finish('-D', `source.kafka.topics=[${good}, ${lost}, ${again}]`);
  await recreate(brokers, again, 20);
  await produce(brokers, good, numbers(0, 10, 20));
  await produce(brokers, lost, [...numbers(0, 10, 20), ...numbers(1, 0, 10)]);
  await withAdmin(brokers, async (admin) => {
    await admin.fetchTopicOffsets(lost); // kafkajs must have met the topic
    await admin.deleteTopicRecords({ topic: lost, partitions: [{ partition: 0, offset: '15' }] });
    await admin.setOffsets({ groupId: theme, topic: cut, partitions: [{ partition: 0, offset: '15' }] });
  });
  return { job, good, lost, again, cut };
}

async function find(job: TestJob, topic: string, partition = 0): Promise<PartitionDocument> {
  const found = (await job.partitions()).find((each) => each.topic === topic && each.partition === partition);
  if (found === undefined) throw new Error(`${topic}/${partition} is not in the status`);
  return found;
}

/** Values of a topic's committed files, in the order of their offsets. */
const valuesOf = (job: TestJob, topic: string): string[] =>
  [...job.committed()]
    .filter(([name]) => name.startsWith(`part-${topic}-0-`))
    .flatMap(([, values]) => values);

describeIntegration('a partition that cannot be kept (P6)', () => {
  test('stops alone, its range named; status, exit code and operator, while it runs and after', async () => {
    const { brokers } = services();
    const { job, good, lost, again, cut } = await troubled(brokers);
    const before = committedDigests(job.lake);
    const coordinator = job.start();
    await coordinator.said('file committed', 2);
    await coordinator.said(STOPPED, 3);

    expect(await find(job, lost)).toMatchObject({
      ...{ state: 'stopped', nextOffset: '10', lag: '10' },
      stop: { code: 'SOURCE_RANGE_LOST', fromOffset: '10', toOffset: '15' },
    });
    expect((await find(job, lost)).stop?.message).toContain(
      `Kafka no longer holds offsets 10 to 14 of ${lost}/0`,
    );
    expect(await find(job, cut)).toMatchObject({
      nextOffset: '15',
      stop: { code: 'SOURCE_TRUNCATED', truncation: { divergedAt: '10', leaderEpoch: null } },
    });
    expect(await find(job, again)).toMatchObject({ nextOffset: '10', stop: { code: 'SOURCE_REPLACED' } });
    expect(await find(job, good)).toMatchObject({ state: 'settled', stop: null, nextOffset: '20', lag: '0' });
    expect(await find(job, lost, 1)).toMatchObject({ stop: null, nextOffset: '10', lag: '0' });

    // Requests are journaled by the owner, in its epoch, also those that it refuses.
    const ask = async (expected: 0 | 1, ...args: [string, ...string[]]): Promise<string> => {
      const end = await job.command(...args);
      expectCode(end, expected);
      return end.stdout;
    };
    const { epoch } = await find(job, lost);
    const range = ['--partition', `${lost}/0`, '--from', '10', '--to'];
    expect(await ask(1, 'accept-loss', ...range, '9223372036854775807')).toContain('where the source ends');
    expect(await ask(1, 'accept-loss', '--partition', `${cut}/0`, '--from', '15', '--to', '16')).toContain(
      'The log went back, and holds other records: accept-truncation reads them.',
    );
    await ask(1, 'accept-loss', '--partition', `${lost}/0`, '--from', '5', '--to', '15');
    await ask(1, 'resume', '--partition', `${good}/0`);
    expect(coordinator.has(TAKEN_UP)).toBe(false);
    await coordinator.said('operator request refused', 4);
    expect((await job.events({ topic: lost, partition: 0 })).at(-1)).toMatchObject({
      ...{ type: 'requestRefused', epoch },
      reason: 'The loss must begin at nextOffset 10 and end behind it, not [5, 15).',
    });
    expect((await job.events({ topic: good, partition: 0 })).at(-1)).toMatchObject({
      ...{ type: 'requestRefused', epoch: (await find(job, good)).epoch },
      reason: 'The partition is not stopped.',
    });
    await ask(0, 'accept-loss', ...range, '15');
    await ask(0, 'resume', '--partition', `${again}/0`);
    await coordinator.said(TAKEN_UP, 2);
    await coordinator.said('file committed', 3);
    expect(valuesOf(job, lost)).toEqual([...lines(0, 0, 10), ...lines(0, 15, 20)]);
    const accepted = (await job.events({ topic: lost, partition: 0 })).find(
      ({ type }) => type === 'lossAccepted',
    );
    expect(accepted).toMatchObject({ fromOffset: 10n, toOffset: 15n, epoch });
    // Resumed, but its cause is not gone.
    await coordinator.said(STOPPED, 4);

    coordinator.kill('SIGTERM');
    const end = await coordinator.ended;
    expectCode(end, 1);
    expect(end.stderr).toContain(`tidemark: ${cut}/0 stopped: SOURCE_TRUNCATED: `);
    expect(end.stderr).toContain(`tidemark: ${again}/0 stopped: SOURCE_REPLACED: `);
    expect(end.stderr).not.toContain(`tidemark: ${lost}/0 stopped`);

    await produce(brokers, good, numbers(0, 20, 30));
    const bounded = await job.untilEnd();
    expectCode(bounded, 1);
    expect(bounded.stderr).toContain(`tidemark: ${cut}/0 stopped: SOURCE_TRUNCATED: `);
    expect(valuesOf(job, good)).toEqual(lines(0, 0, 30));
    expect(valuesOf(job, again)).toEqual(lines(0, 0, 10));
    expectUnchanged(before, job.lake);
  });
});

describeIntegration('a topic that was deleted and made again', () => {
  test.each([
    { what: 'fewer', records: 5 },
    { what: 'more', records: 50 },
  ])(
    'with $what records than before: a bounded run stops it with exit 1 and writes nothing',
    async ({ records }) => {
      const { brokers } = services();
      const topic = uniqueName('again');
      await makeTopic(brokers, topic);
      await produce(brokers, topic, numbers(0, 0, 10));
      const job = new TestJob({ brokers, topic });
      await job.finish();
      const before = committedDigests(job.lake);
      await recreate(brokers, topic, records);
      const end = await job.untilEnd();
      expectCode(end, 1);
      expect(end.stderr).toContain(
        `tidemark: ${topic}/0 stopped: SOURCE_REPLACED: Topic ${topic} was deleted and made again`,
      );
      expect(committedDigests(job.lake)).toEqual(before);
      expect(await job.partitions()).toMatchObject([{ state: 'stopped', nextOffset: '10' }]);
    },
  );
});
