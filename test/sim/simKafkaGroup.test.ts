import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../journal/errors.ts';
import type { KafkaFaults } from '../../sim/simKafka.ts';
import { at, OPTIONS, readTo, records, scene, TOPIC, value } from './kafkaScene.ts';
import { eventually, pass, settlesWithin } from './simulated.ts';

describe('the group', () => {
  const four = [[], [], [], []];

  test('spreads the partitions over its members, each to one', async () => {
    const { scheduler, member } = scene(four);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    expect(one.assigned).toHaveLength(4);
    await eventually(scheduler, other.join());
    await pass(scheduler, 1_000);
    expect([...(one.assigned ?? []), ...(other.assigned ?? [])].sort()).toEqual([0, 1, 2, 3]);
    expect(one.assigned).toHaveLength(2);
  });

  test('who loses a partition may learn it after the new owner: for a while both believe', async () => {
    let both = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      const { scheduler, member } = scene([[]], {}, undefined, seed);
      const [one, other] = [member(0, seed), member(1, seed)];
      await eventually(scheduler, one.join());
      const joined = other.join();
      await scheduler.run(() => one.assigned?.length === 1 && other.assigned?.length === 1, {
        tasksMax: 1_000,
        untilMs: scheduler.nowMs + 1_000,
      });
      if (one.assigned?.length === 1 && other.assigned?.length === 1) both += 1;
      await eventually(scheduler, joined);
    }
    expect(both).toBeGreaterThan(0);
  });

  test('expels a member that is paused beyond its session; it believes in it until it wakes', async () => {
    const { scheduler, kafka, member } = scene(four);
    const [zombie, heir] = [member(0), member(1)];
    await eventually(scheduler, zombie.join());
    await eventually(scheduler, heir.join());
    await pass(scheduler, 500);
    const believed = zombie.assigned;
    zombie.process.pause(6_000);
    await pass(scheduler, 4_000);
    expect(heir.assigned?.toSorted()).toEqual([0, 1, 2, 3]);
    expect(zombie.assigned).toBe(believed);
    expect(believed).toHaveLength(2);
    await pass(scheduler, 4_000);
    // Awake, it has joined again under another name.
    expect([...(zombie.assigned ?? []), ...(heir.assigned ?? [])].sort()).toEqual([0, 1, 2, 3]);
    expect(kafka.group.owners.map(({ memberId }) => memberId)).not.toContain('p0.0-m1');
  });

  test('a pause shorter than the session changes nothing', async () => {
    const { scheduler, kafka, member } = scene(four);
    const one = member(0);
    await eventually(scheduler, one.join());
    const { generation } = kafka.group;
    one.process.pause(OPTIONS.sessionMs - OPTIONS.heartbeatMs - 50);
    await pass(scheduler, 5_000);
    expect(kafka.group.generation).toBe(generation);
  });

  test.each([
    { dismissesDeadMember: true, waits: 'at once' },
    { dismissesDeadMember: false, waits: 'only after the dead session' },
  ])('a restarted process gets its partitions back $waits', async ({ dismissesDeadMember }) => {
    const { scheduler, member } = scene(four, { dismissesDeadMember });
    const [dead, other] = [member(0), member(1)];
    await eventually(scheduler, dead.join());
    await eventually(scheduler, other.join());
    await pass(scheduler, 1_000);
    dead.process.kill();
    const heir = member(0, 1);
    const isBack = await settlesWithin(scheduler, OPTIONS.heartbeatMs + 200, heir.join());
    expect(isBack).toBe(dismissesDeadMember);
    await pass(scheduler, 3 * OPTIONS.sessionMs);
    expect([...(heir.assigned ?? []), ...(other.assigned ?? [])].sort()).toEqual([0, 1, 2, 3]);
  });

  test('no session runs out while the brokers are away', async () => {
    const { scheduler, kafka, member } = scene(four);
    const one = member(0);
    await eventually(scheduler, one.join());
    const { generation } = kafka.group;
    kafka.goAway(10 * OPTIONS.sessionMs);
    await pass(scheduler, 12 * OPTIONS.sessionMs);
    expect(kafka.group.generation).toBe(generation);
  });

  test('who leaves gives its partitions to the others', async () => {
    const { scheduler, member } = scene(four);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    await eventually(scheduler, other.join());
    await eventually(scheduler, one.source.stop());
    await pass(scheduler, 1_000);
    expect(other.assigned?.toSorted()).toEqual([0, 1, 2, 3]);
  });

  test('a former owner keeps reading: fetches need no group', async () => {
    const { scheduler, member } = scene([[records(0, 1), records(3_000, 1)]]);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    const feed = one.source.open(at(0), 0n, null);
    expect(await readTo(scheduler, feed, 0, 1)).toEqual([value(0)]);
    await eventually(scheduler, other.join());
    await eventually(scheduler, one.source.verifyIdentity(TOPIC, 'topic-1'));
    expect(await readTo(scheduler, feed, 1, 2)).toEqual([value(1)]);
  });
});

describe('committed offsets', () => {
  const faultOnce = (fault: 'lostReply' | 'lostRequest'): KafkaFaults => {
    let isDue = true;
    return {
      atOffsetCommit: () => {
        const now = isDue ? fault : null;
        isDue = false;
        return now;
      },
    };
  };

  test('the witness is beside the offset, for every process', async () => {
    const { scheduler, kafka, member } = scene([[], []]);
    const one = member(0);
    await eventually(scheduler, one.join());
    expect(await eventually(scheduler, one.source.readWitness(at(1)))).toBeNull();
    await eventually(scheduler, one.source.commitOffset(at(1), 7n, 'witness'));
    expect(kafka.group.committed(1)).toEqual({ offset: 7n, metadata: 'witness' });
    expect(await eventually(scheduler, member(1).source.readWitness(at(1)))).toBe('witness');
  });

  test.each(['lostReply', 'lostRequest'] as const)(
    '%s: it is sent again until it is acknowledged',
    async (fault) => {
      const { scheduler, kafka, member } = scene([[]], {}, faultOnce(fault));
      const one = member(0);
      await eventually(scheduler, one.join());
      await eventually(scheduler, one.source.commitOffset(at(0), 7n, 'witness'));
      expect(scheduler.nowMs).toBeGreaterThan(OPTIONS.timeoutMs);
      expect(kafka.group.committed(0)?.offset).toBe(7n);
    },
  );

  test('who does not own the partition by its own belief is fenced', async () => {
    const { scheduler, member } = scene([[], []]);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    await eventually(scheduler, other.join());
    await pass(scheduler, 1_000);
    const foreign = at(other.assigned?.[0] ?? 0);
    await expect(eventually(scheduler, one.source.commitOffset(foreign, 7n, 'w'))).rejects.toMatchObject({
      code: 'FENCED',
    });
  });

  test('an expelled member that still believes is refused, until it knows, then fenced', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    const [zombie, heir] = [member(0), member(1)];
    await eventually(scheduler, zombie.join());
    zombie.process.pause(3_000);
    await eventually(scheduler, heir.join());
    expect(heir.assigned).toEqual([0]);
    await eventually(scheduler, heir.source.commitOffset(at(0), 9n, 'heir'));
    expect(zombie.assigned).toEqual([0]);
    // Asked before it wakes, so that nothing has told it anything.
    const late = zombie.source.commitOffset(at(0), 5n, 'zombie');
    const outcome = await eventually(
      scheduler,
      late.then(
        () => 'accepted',
        (error: unknown) => (error instanceof TidemarkError ? error.code : 'other'),
      ),
    );
    // Joined anew it may own the partition again; else it is fenced.
    if (zombie.assigned?.length === 0) {
      expect(outcome).toBe('FENCED');
      expect(kafka.group.committed(0)?.metadata).toBe('heir');
    } else {
      expect(outcome).toBe('accepted');
      expect(heir.assigned).toEqual([]);
    }
  });

  test('a commit of a former generation that arrives late is refused', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    const one = member(0);
    await eventually(scheduler, one.join());
    const { memberId, generation } = kafka.group.owners[0] ?? { memberId: '', generation: 0 };
    kafka.group.rebalance();
    await pass(scheduler, 1_000);
    const committed = { offset: 5n, metadata: 'late' };
    expect(kafka.group.commit(memberId, generation, 0, committed)).toBe('outdated');
    expect(kafka.group.commit(memberId, generation + 1, 0, committed)).toBe('ok');
  });

  test('it waits while the brokers are away', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    const one = member(0);
    await eventually(scheduler, one.join());
    kafka.goAway(5_000);
    const commit = one.source.commitOffset(at(0), 7n, 'w');
    expect(await settlesWithin(scheduler, 4_000, commit)).toBe(false);
    await eventually(scheduler, commit);
    expect(kafka.group.committed(0)?.offset).toBe(7n);
  });
});
