import { setTimeout as delay } from 'node:timers/promises';
/** Group membership: who gets which partitions, commits with witnesses, members that die. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { KafkaTuning } from '../../src/sources/kafka/options.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { startKafka } from '../services/servers.ts';
import {
  adminOf,
  Assignments,
  makeTopic,
  producerOf,
  readTo,
  sourceOf,
  tempDir,
  unique,
  values,
} from './kafkaFixture.ts';

const MEMBER_PROGRAM = fileURLToPath(new URL('./kafkaMember.ts', import.meta.url));

/** A process that joins the group and then hangs about; resolves once it has partitions. */
async function memberProcess(
  brokers: string[],
  topic: string,
  groupId: string,
  stateDir: string,
  tuning: Partial<KafkaTuning> = {},
): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [MEMBER_PROGRAM, JSON.stringify({ brokers, topic, groupId, stateDir, mode: 'hang', tuning })],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes('assigned')) resolve();
    });
    child.once('exit', (code) =>
      reject(new Error(`the member ended with ${code ?? 'a signal'}: ${printed}`)),
    );
  });
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

describeIntegration('membership in a real Kafka group', () => {
  const { brokers } = services();
  const all = (topic: string, count: number) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition }));

  test('a member is told its whole assignment, synchronously at the join, and reads it', async () => {
    const topic = await makeTopic(brokers, 3);
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: [{ partition: 2, value: 'hello' }] });
    // A new cluster's coordinators load when they are first asked, and say so with a warning: not what this
    // is about.
    const groupId = unique('group');
    const early = sourceOf(brokers, [topic], { groupId });
    await early.source.start(new Assignments());
    await early.source.stop();
    const { source, lines } = sourceOf(brokers, [topic], { groupId });
    const assignments = new Assignments();
    await source.start(assignments);
    expect(assignments.latest).toEqual(all(topic, 3));
    expect(values(await readTo(source.open({ topic, partition: 2 }, 0n, null), 1n))).toEqual(['hello']);
    expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  test('the consumer itself never fetches and never commits', async () => {
    const [topic, groupId] = [await makeTopic(brokers), unique('group')];
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: Array.from({ length: 100 }, () => ({ value: 'x' })) });
    const { source, lines } = sourceOf(brokers, [topic], { groupId, tuning: { heartbeatIntervalMs: 100 } });
    await source.start(new Assignments());
    const admin = await adminOf(brokers);
    for (let asked = 0; asked < 20; asked += 1) {
      await delay(50);
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
      expect(offsets?.partitions).toMatchObject([{ partition: 0, offset: '-1' }]);
    }
    expect(lines.filter(({ message }) => message.includes('which is paused'))).toEqual([]);
  });

  test('two sources share the partitions, and what one leaves the other gets', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 4), unique('group')];
    const options = { groupId, tuning: { heartbeatIntervalMs: 200 } };
    const [one, two] = [sourceOf(brokers, [topic], options), sourceOf(brokers, [topic], options)];
    const [first, second] = [new Assignments(), new Assignments()];
    await one.source.start(first);
    expect(first.latest).toHaveLength(4);
    await Promise.all([two.source.start(second), first.until((partitions) => partitions.length === 2)]);
    expect(second.latest).toHaveLength(2);
    const shared = [...first.latest, ...second.latest].toSorted((a, b) => a.partition - b.partition);
    expect(shared).toEqual(all(topic, 4));
    const lost = second.latest[0]!;
    await expect(one.source.commitOffset(lost, 1n, 'w')).rejects.toMatchObject({ code: 'FENCED' });
    await one.source.stop();
    await second.until((partitions) => partitions.length === 4);
    await two.source.commitOffset(lost, 1n, 'w');
  });

  test('partitions stay: who joins or leaves moves no more than its share', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 8), unique('group')];
    const options = { groupId, tuning: { heartbeatIntervalMs: 200 } };
    const sources = Array.from({ length: 3 }, () => sourceOf(brokers, [topic], options).source);
    const owned = Array.from({ length: 3 }, () => new Assignments());
    const numbersOf = (index: number) => new Set(owned[index]!.latest.map(({ partition }) => partition));
    const expectWithin = (fewer: ReadonlySet<number>, more: ReadonlySet<number>): void =>
      expect([...fewer].filter((number) => !more.has(number))).toEqual([]);
    await sources[0]!.start(owned[0]!);
    await Promise.all([sources[1]!.start(owned[1]!), owned[0]!.until(({ length }) => length === 4)]);
    const [one, two] = [numbersOf(0), numbersOf(1)];
    const isThird = ({ length }: readonly unknown[]): boolean => length < 4;
    await Promise.all([sources[2]!.start(owned[2]!), owned[0]!.until(isThird), owned[1]!.until(isThird)]);
    for (const [index, before] of [one, two].entries()) expectWithin(numbersOf(index), before);
    const [oneOfThree, twoOfThree] = [numbersOf(0), numbersOf(1)];
    expect([oneOfThree.size, twoOfThree.size, owned[2]!.latest.length].toSorted()).toEqual([2, 3, 3]);
    const isHalf = ({ length }: readonly unknown[]): boolean => length === 4;
    await Promise.all([sources[2]!.stop(), owned[0]!.until(isHalf), owned[1]!.until(isHalf)]);
    for (const [index, before] of [oneOfThree, twoOfThree].entries()) expectWithin(before, numbersOf(index));
  });

  test("a commit carries the witness, another member reads it; a lost partition's is refused", async () => {
    const [topic, groupId] = [await makeTopic(brokers, 2), unique('group')];
    const { source } = sourceOf(brokers, [topic], { groupId });
    await source.start(new Assignments());
    const witness = JSON.stringify({ job: 'j', journal: 'ä'.repeat(40), seq: 7, hash: 'f'.repeat(64) });
    expect(await source.readWitness({ topic, partition: 0 })).toBeNull();
    await source.commitOffset({ topic, partition: 0 }, 2n ** 53n + 1n, witness);
    await source.commitOffset({ topic, partition: 1 }, 5n, 'other');
    const reader = sourceOf(brokers, [topic], { groupId });
    expect(await reader.source.readWitness({ topic, partition: 0 })).toBe(witness);
    expect(await reader.source.readWitness({ topic, partition: 1 })).toBe('other');
    expect(await reader.source.startOffsets(topic, { type: 'group' })).toEqual([2n ** 53n + 1n, 5n]);
    await expect(source.commitOffset({ topic, partition: 2 }, 1n, 'x')).rejects.toMatchObject({
      code: 'FENCED',
    });
  });

  test('commits in the middle of rebalances are tried again until the group takes them', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 2), unique('group')];
    const tuning = { heartbeatIntervalMs: 100 };
    const one = sourceOf(brokers, [topic], { groupId, tuning });
    const first = new Assignments();
    await one.source.start(first);
    let [commits, fenced, stop] = [0, 0, false];
    const committing = (async () => {
      for (let offset = 1n; !stop; offset += 1n) {
        for (const partition of [0, 1]) {
          await one.source.commitOffset({ topic, partition }, offset, `w${offset}`).then(
            () => (commits += 1),
            (error: unknown) => {
              expect(error).toMatchObject({ code: 'FENCED' });
              fenced += 1;
            },
          );
        }
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      const other = sourceOf(brokers, [topic], { groupId, tuning });
      await Promise.all([
        other.source.start(new Assignments()),
        first.until((partitions) => partitions.length === 1),
      ]);
      await other.source.stop();
      await first.until((partitions) => partitions.length === 2);
    }
    stop = true;
    await committing;
    expect(commits).toBeGreaterThan(0);
    expect(fenced).toBeGreaterThan(0);
  });

  test('a topic that gains partitions while running: they are assigned', async () => {
    const topic = await makeTopic(brokers, 1);
    const { source } = sourceOf(brokers, [topic], { tuning: { metadataMaxAgeMs: 300 } });
    const assignments = new Assignments();
    await source.start(assignments);
    const admin = await adminOf(brokers);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await assignments.until((partitions) => partitions.length === 3);
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: [{ partition: 2, value: 'in the new one' }] });
    expect(values(await readTo(source.open({ topic, partition: 2 }, 0n, null), 1n))).toEqual([
      'in the new one',
    ]);
  });

  test('a topic deleted while running: its own feed reports it, the others keep their owners', async () => {
    const [topic, doomed, groupId] = [
      await makeTopic(brokers, 2),
      await makeTopic(brokers, 1),
      unique('group'),
    ];
    const tuning = { metadataMaxAgeMs: 300, heartbeatIntervalMs: 200, outOfRangeStableMs: 500, pollMs: 100 };
    const { source, lines } = sourceOf(brokers, [topic, doomed], { groupId, tuning });
    const assignments = new Assignments();
    await source.start(assignments);
    expect(assignments.latest).toHaveLength(3);
    const feed = source.open({ topic: doomed, partition: 0 }, 0n, null);
    const told = expect(feed.next()).rejects.toMatchObject({ code: 'SOURCE_REPLACED' });
    const admin = await adminOf(brokers);
    await admin.deleteTopics({ topics: [doomed] });
    await told;
    // A rebalance meanwhile must not make anybody forget it.
    const other = sourceOf(brokers, [topic, doomed], { groupId, tuning });
    await Promise.all([
      other.source.start(new Assignments()),
      assignments.until((partitions) => partitions.length === 2),
    ]);
    expect(assignments.latest).toContainEqual({ topic: doomed, partition: 0 });
    await other.source.stop();
    await assignments.until((partitions) => partitions.length === 3);
    await source.commitOffset({ topic, partition: 1 }, 3n, 'still mine');
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('stop leaves the group at once, also while fetches wait; nothing stays running', async () => {
    const [topic, groupId, stateDir] = [await makeTopic(brokers, 2), unique('group'), tempDir()];
    const { source } = sourceOf(brokers, [topic], { groupId, stateDir, tuning: { fetchWaitMs: 20_000 } });
    await source.start(new Assignments());
    expect(readdirSync(stateDir)).toHaveLength(1);
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: [0, 1].map((partition) => ({ partition, value: 'first' })) });
    const feeds = [0, 1].map((partition) => source.open({ topic, partition }, 0n, null));
    await Promise.all(feeds.map((feed) => readTo(feed, 1n)));
    const waits = feeds.map((feed) => feed.next());
    const ended = Promise.all(
      waits.map((wait) => expect(wait).rejects.toMatchObject({ name: 'AbortError' })),
    );
    const started = performance.now();
    await source.stop();
    // A fetch that is waited for would hold it for 20 s.
    expect(performance.now() - started).toBeLessThan(10_000);
    await ended;
    const admin = await adminOf(brokers);
    const { groups } = await admin.describeGroups([groupId]);
    expect(groups[0]).toMatchObject({ state: 'Empty', members: [] });
    expect(readdirSync(stateDir)).toEqual([]);
    await source.stop();
  });

  test('a process that stops its source ends by itself, and has printed no warning', async () => {
    const [topic, groupId, stateDir] = [await makeTopic(brokers, 2), unique('group'), tempDir()];
    const task = JSON.stringify({ brokers, topic, groupId, stateDir, mode: 'stop' });
    const child = spawn(process.execPath, [MEMBER_PROGRAM, task], { stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect([code, stderr]).toEqual([0, '']);
  });

  test('stop in the middle of a join, which waits for another member, leaves no member behind', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 2), unique('group')];
    // The first member never notices that it has to rejoin, so that the second one's join waits.
    const slow = sourceOf(brokers, [topic], { groupId, tuning: { heartbeatIntervalMs: 29_000 } });
    await slow.source.start(new Assignments());
    const { source } = sourceOf(brokers, [topic], { groupId });
    const started = source.start(new Assignments());
    const admin = await adminOf(brokers);
    const stateOf = async () => (await admin.describeGroups([groupId])).groups[0];
    while ((await stateOf())?.state !== 'PreparingRebalance')
      await new Promise((resolve) => setTimeout(resolve, 50));
    await source.stop();
    await started;
    expect((await stateOf())?.members.length).toBeLessThanOrEqual(1);
  });

  test('a killed process: its member is removed: a restart does not wait for its session', async () => {
    const [topic, groupId, stateDir] = [await makeTopic(brokers, 3), unique('group'), tempDir()];
    const child = await memberProcess(brokers, topic, groupId, stateDir);
    await killed(child);
    const killedAt = performance.now();
    const { source, lines } = sourceOf(brokers, [topic], { groupId, stateDir });
    const assignments = new Assignments();
    await source.start(assignments);
    await assignments.until((partitions) => partitions.length === 3);
    // The dead member's session lasts 30 s: whoever waits for its end cannot be here yet.
    expect(performance.now() - killedAt).toBeLessThan(25_000);
    const dismissed = (): boolean =>
      lines.some(({ message }) => message.includes(`Process ${child.pid ?? 0} was killed`));
    while (!dismissed()) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readdirSync(stateDir)).toHaveLength(1);
  });

  test('a killed neighbour: a living member of the same machine removes it, not only a start', async () => {
    const [topic, groupId, stateDir] = [await makeTopic(brokers, 2), unique('group'), tempDir()];
    const { source, lines } = sourceOf(brokers, [topic], {
      groupId,
      stateDir,
      // A session that nobody waits for the end of.
      tuning: { sessionTimeoutMs: 300_000, heartbeatIntervalMs: 200 },
    });
    const assignments = new Assignments();
    await source.start(assignments);
    const neighbour = memberProcess(brokers, topic, groupId, stateDir, { sessionTimeoutMs: 300_000 });
    await assignments.until((partitions) => partitions.length === 1);
    const child = await neighbour;
    await killed(child);
    await assignments.until((partitions) => partitions.length === 2);
    expect(lines.map(({ message }) => message)).toContain(
      `Process ${child.pid ?? 0} was killed: its member has left group ${groupId}.`,
    );
  });

  test('a living process of the same group is left alone', async () => {
    const [topic, groupId, stateDir] = [await makeTopic(brokers, 2), unique('group'), tempDir()];
    await memberProcess(brokers, topic, groupId, stateDir);
    const { source } = sourceOf(brokers, [topic], { groupId, stateDir });
    const assignments = new Assignments();
    await source.start(assignments);
    expect(assignments.latest).toHaveLength(1);
    expect(readdirSync(stateDir)).toHaveLength(2);
  });
});

describeIntegration(
  'membership with a broker of its own',
  () => {
    test('a restart after SIGKILL waits for no session and no group.initial.rebalance.delay.ms', async () => {
      await using kafka = await startKafka({ config: { 'group.initial.rebalance.delay.ms': '15000' } });
      const { brokers } = kafka;
      const [topic, groupId, stateDir] = [await makeTopic(brokers, 2), unique('group'), tempDir()];
      await killed(await memberProcess(brokers, topic, groupId, stateDir));
      const killedAt = performance.now();
      const { source } = sourceOf(brokers, [topic], { groupId, stateDir });
      const assignments = new Assignments();
      await source.start(assignments);
      await assignments.until((partitions) => partitions.length === 2);
      expect(performance.now() - killedAt).toBeLessThan(14_000);
      await source.stop();
    });

    test('a broker away for longer than a membership: the former member delays nobody', async () => {
      await using kafka = await startKafka();
      const { brokers } = kafka;
      const topic = await makeTopic(brokers, 2);
      // Nobody waits for the end of such a session, or of such a rebalance.
      const tuning = { sessionTimeoutMs: 300_000, rebalanceTimeoutMs: 300_000, heartbeatIntervalMs: 200 };
      const { source, lines } = sourceOf(brokers, [topic], { tuning });
      const assignments = new Assignments();
      await source.start(assignments);
      await kafka.kill();
      const said = (text: string): boolean => lines.some(({ message }) => message.includes(text));
      while (!said('broke and is made anew')) await delay(50);
      await kafka.restart();
      await assignments.until(() => assignments.seen.length > 1);
      expect(assignments.latest).toHaveLength(2);
      await source.stop();
    });
  },
  { ownServers: true, timeoutMs: 240_000 },
);
