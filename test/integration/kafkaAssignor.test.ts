/**
 * Members of one group that are not alike: other topics, partitions that nobody is assigned, other programs.
 */
import { expect, test } from 'vitest';
import type { TopicPartition } from '../../journal/ids.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { adminOf, Assignments, client, makeTopic, sourceOf, unique } from './kafkaFixture.ts';

const tuning = { heartbeatIntervalMs: 200, metadataMaxAgeMs: 300, outOfRangeStableMs: 500, pollMs: 100 };
const all = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));
const named = (topic: string) => (partitions: readonly TopicPartition[]) =>
  partitions.filter((at) => at.topic === topic);

/** A member of a job whose journal has unfinished files in these partitions. */
class JobMember extends Assignments {
  unnamed: readonly TopicPartition[] = [];
  readonly owed: TopicPartition[] = [];

  override assigned(partitions: readonly TopicPartition[], unnamed: readonly TopicPartition[] = []): void {
    this.unnamed = unnamed;
    super.assigned(partitions);
  }

  unfinished(assigned: ReadonlySet<string>): Promise<readonly TopicPartition[]> {
    return Promise.resolve(
      this.owed.filter(({ topic, partition }) => !assigned.has(`${topic}/${partition}`)),
    );
  }
}

describeIntegration('members with different topics in one group', () => {
  const { brokers } = services();

  test('a topic of the second member alone is read by it, also if the first leads the group', async () => {
    const [one, two, groupId] = [await makeTopic(brokers, 2), await makeTopic(brokers, 2), unique('group')];
    const [first, second] = [new Assignments(), new Assignments()];
    const old = sourceOf(brokers, [one], { groupId, tuning });
    await old.source.start(first);
    const added = sourceOf(brokers, [one, two], { groupId, tuning });
    await added.source.start(second);
    expect(named(two)(second.latest)).toEqual(all(two, 2));
    const ofSecond = named(one)(second.latest);
    await first.until((partitions) => partitions.length + ofSecond.length === 2);

    // The leader does not look at that topic: its reader makes the group look.
    const admin = await adminOf(brokers);
    await admin.createPartitions({ topicPartitions: [{ topic: two, count: 4 }] });
    await second.until((partitions) => named(two)(partitions).length === 4);
    await old.source.stop();
    await second.until((partitions) => partitions.length === 6);
  });

  test('partitions that nobody is assigned go to one member of the job, which settles them', async () => {
    const [one, dropped, doomed, groupId] = [
      await makeTopic(brokers, 1),
      await makeTopic(brokers, 1),
      await makeTopic(brokers, 1),
      unique('group'),
    ];
    const admin = await adminOf(brokers);
    await admin.deleteTopics({ topics: [doomed] });
    const owed = [...all(one, 1), ...all(dropped, 1), ...all(doomed, 1)];
    const [first, second] = [new JobMember(), new JobMember()];
    for (const member of [first, second]) member.owed.push(...owed);
    const options = { groupId, tuning, job: 'job' };
    const lead = sourceOf(brokers, [one], options);
    await lead.source.start(first);
    expect(first.latest).toEqual(all(one, 1));
    expect(first.unnamed).toEqual([...all(dropped, 1), ...all(doomed, 1)]);
    // What a deleted topic's settler has to say to the group is said to nobody.
    await lead.source.commitOffset({ topic: doomed, partition: 0 }, 3n, 'w');
    await lead.source.commitOffset({ topic: dropped, partition: 0 }, 3n, 'w');
    expect(await lead.source.readWitness({ topic: dropped, partition: 0 })).toBe('w');

    const stranger = sourceOf(brokers, [one], { groupId, tuning, job: 'another' });
    const third = new JobMember();
    const next = sourceOf(brokers, [one], options);
    await Promise.all([
      stranger.source.start(third),
      next.source.start(second),
      first.until(() => first.unnamed.length === 1),
    ]);
    await second.until(() => second.unnamed.length === 1);
    expect([...first.unnamed, ...second.unnamed].map(({ topic }) => topic).toSorted()).toEqual(
      [dropped, doomed].toSorted(),
    );
    expect(third.unnamed).toEqual([]);
  });

  test('a member of another program is refused by the group, and leaves it as it was', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 2), unique('group')];
    const member = new Assignments();
    const { source } = sourceOf(brokers, [topic], { groupId, tuning });
    await source.start(member);
    const consumer = client(brokers).consumer({ groupId, retry: { retries: 0 } });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    const crashed = new Promise<Error>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        resolve(payload.error);
      });
    });
    await consumer.run({ eachMessage: async () => undefined }).catch(() => undefined);
    expect((await crashed).message).toContain('protocols are incompatible');
    await consumer.disconnect();
    expect(member.latest).toHaveLength(2);
  });
});
