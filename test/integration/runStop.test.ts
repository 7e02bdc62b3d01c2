import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { startKafka, startNats } from '../services/servers.ts';
import { lines, makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName, type PartitionDocument } from './testJob.ts';

const partsOf = ({ buckets }: PartitionDocument) => buckets.flatMap(({ parts }) => parts);
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describeIntegration('a coordinator that is asked to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s in the middle: a last checkpoint, files left resumable, exit 0; the next run reads nothing again',
    async (signal) => {
      const { brokers } = services();
      const topic = uniqueName('stop');
      await makeTopic(brokers, topic, { partitions: 4 });
      const job = new TestJob({ brokers, topic, sections: { checkpoint: { interval: '1h' } } });
      const producer = new NumberProducer([...brokers], topic, { pauseMs: 5 });
      await producer.start();
      const coordinator = job.start();
      // The interval is an hour: only the last checkpoint can have counted anything.
      await coordinator.said('part file opened', 4);
      coordinator.kill(signal);
      const end = await coordinator.ended;
      expectCode(end, 0);

      await producer.stop();

      const stopped = await job.partitions();
      expect(job.committed().size).toBe(0);
      for (const partition of stopped) {
        expect(partsOf(partition)).toMatchObject([{ state: 'inProgress', records: partition.recordsRead }]);
        expect(partition.nextOffset).toBe(String(partition.recordsRead));
      }
      expect(sum(stopped.map(({ recordsRead }) => recordsRead))).toBeGreaterThan(0);
      expect((await job.jobEvents()).at(-1)).toEqual({ type: 'jobStopped', reason: 'signal' });

      await job.finish();
      expectExactlyOnce(job.lake, producer.sent);
      const finished = await job.partitions();
      expect(finished.map(({ recordsRead }) => recordsRead)).toEqual(producer.sent);
      expect(finished.map(({ epoch }) => epoch)).toEqual([2, 2, 2, 2]);
    },
  );

  test('leaves files that a later run finishes in place, though the destination changed', async () => {
    const { brokers } = services();
    const topic = uniqueName('moved');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic });
    const coordinator = job.start();
    await coordinator.said('checkpoint completed');
    coordinator.kill('SIGTERM');
    expectCode(await coordinator.ended, 0);
    await produce(brokers, topic, numbers(0, 10, 20));
    await job.finish('--move-sink', '-D', 'sink.path=lake/elsewhere', '-D', 'sink.suffix=.txt');
    expect([...job.committed()]).toEqual([
      [`elsewhere/part-${topic}-0-00000000000000000010.txt`, lines(0, 10, 20)],
      [`part-${topic}-0-00000000000000000000`, lines(0, 0, 10)],
    ]);
  });

  test('leaves the group: another process has the partitions at once', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('leave');
    await makeTopic(brokers, topic, { partitions: 4 });
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl } });
    const first = job.start();
    await first.said('partition claimed', 4);
    const second = job.start();
    await second.said('partition claimed', 2);
    first.kill('SIGTERM');
    expectCode(await first.ended, 0);
    // A member that is gone without having left would be listed, and hold its partitions, until its session
    // ends.
    const { groups } = await withAdmin(brokers, (admin) => admin.describeGroups([topic]));
    expect(groups[0]?.members).toHaveLength(1);
    await second.said('partition claimed', 4);
    second.kill('SIGTERM');
    expectCode(await second.ended, 0);
  });

  test('while it waits for a missing topic: exits 0, says so, makes neither topic nor file', async () => {
    const { brokers } = services();
    const topic = uniqueName('missing');
    const job = new TestJob({ brokers, topic });
    const coordinator = job.start();
    await coordinator.said(`Waiting for the topics ${topic}`);
    coordinator.kill('SIGTERM');
    const end = await coordinator.ended;
    expectCode(end, 0);
    expect(job.committed().size).toBe(0);
  });

  test('while it waits for a missing topic, never read: the same with an existing journal', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('missing');
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl } });
    const coordinator = job.start();
    await coordinator.said(`Waiting for the topics ${topic}`);
    coordinator.kill('SIGTERM');
    const end = await coordinator.ended;
    expectCode(end, 0);
  });

  test.each([
    { what: 'broker', address: { brokers: ['127.0.0.1:1'] }, says: 'Waiting for Kafka at 127.0.0.1:1' },
    { what: 'journal server', address: { natsUrl: 'nats://127.0.0.1:1' }, says: 'Waiting for it' },
  ])('while it waits for a missing $what: exits 0', async ({ address, says }) => {
    const { brokers, natsUrl } = { ...services(), ...address };
    const job = new TestJob({ brokers, topic: uniqueName('away'), nats: { url: natsUrl } });
    const coordinator = job.start();
    await coordinator.said(says);
    coordinator.kill('SIGTERM');
    const end = await coordinator.ended;
    expectCode(end, 0);
  });

  test('while the group waits for a member that does not answer: exits 0', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('joining');
    await makeTopic(brokers, topic);
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl } });
    const first = job.start();
    await first.said('partition claimed');
    first.kill('SIGSTOP');
    const second = job.start();
    await second.said('kafkajs: Starting');
    second.kill('SIGTERM');
    expectCode(await second.ended, 0);
    expect(second.has('partition claimed')).toBe(false);
    // The frozen one is still awaited: the second one has not just outlasted its session.
    const { groups } = await withAdmin(brokers, (admin) => admin.describeGroups([topic]));
    const memberIds = groups[0]?.members.map(({ memberId }) => memberId);
    expect(memberIds).toEqual([first.lines('Consumer has joined the group').at(-1)?.['memberId']]);
  });

  test('twice: exits at once, although the last checkpoint cannot be made', async () => {
    const { brokers } = services();
    await using nats = await startNats();
    const topic = uniqueName('twice');
    await makeTopic(brokers, topic);
    const job = new TestJob({ brokers, topic, nats: { url: nats.url } });
    const coordinator = job.start();
    await coordinator.said('partition claimed');
    await nats.pause();
    coordinator.kill('SIGINT');
    await coordinator.said('stopping after a last checkpoint');
    coordinator.kill('SIGINT');
    expect(await coordinator.ended).toMatchObject({ code: 130, signal: null });
  });
});

describeIntegration(
  'a coordinator that is asked to stop while a server is away',
  () => {
    test('gives up in bounded time with exit 1, and the next run has every record exactly once', async () => {
      await using kafka = await startKafka();
      await using nats = await startNats();
      const { brokers } = services();
      const topic = uniqueName('away');
      await makeTopic(brokers, topic, { partitions: 2 });
      await makeTopic(kafka.brokers, topic, { partitions: 2 });
      // What was read is in no checkpoint when the servers go away.
      const checkpoint = { interval: '1h' };
      const ofNats = new TestJob({ brokers, topic, nats: { url: nats.url }, sections: { checkpoint } });
      const ofKafka = new TestJob({ brokers: kafka.brokers, topic, sections: { checkpoint } });
      const producers = [brokers, kafka.brokers].map(
        (addresses) => new NumberProducer([...addresses], topic, { pauseMs: 20, partitions: 2 }),
      );
      await Promise.all(producers.map((producer) => producer.start()));
      const coordinators = [ofNats.start(), ofKafka.start()];
      await Promise.all(coordinators.map((coordinator) => coordinator.said('part file opened', 2)));
      await Promise.all(producers.map((producer) => producer.stop()));
      await Promise.all([nats.kill(), kafka.kill()]);
      for (const coordinator of coordinators) coordinator.kill('SIGTERM');
      for (const coordinator of coordinators) {
        const end = await coordinator.ended;
        expectCode(end, 1);
        expect(end.stderr).toContain('STOP_INCOMPLETE: Stopped without a last checkpoint of');
        for (const partition of [0, 1]) expect(end.stderr).toContain(`${topic}/${partition}`);
      }
      await Promise.all([nats.restart(), kafka.restart()]);
      await ofNats.finish();
      const finished = await ofKafka.finish();
      // Its member could not leave a group that was away; the next run makes it leave instead of waiting for
      // its session.
      expect(finished.stderr).toContain('its member has left group');
      expectExactlyOnce(ofNats.lake, producers[0]!.sent);
      expectExactlyOnce(ofKafka.lake, producers[1]!.sent);
    });
  },
  { ownServers: true, timeoutMs: 240_000 },
);
