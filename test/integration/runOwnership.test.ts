import { expect, test } from 'vitest';
import { systemClock } from '../../src/system/clock.ts';
import { Brokers } from '../../src/sources/kafka/brokers.ts';
import { kafkaConfig } from '../../src/sources/kafka/client/clientConfig.ts';
import { DEFAULT_TUNING } from '../../src/sources/kafka/options.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { committedDigests, expectExactlyOnce, expectUnchanged, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import type { TidemarkProcess } from './tidemarkProcess.ts';

/** The group releases the member that this process was, as it does when a session ends. */
async function endSession(
  brokers: readonly string[],
  groupId: string,
  member: TidemarkProcess,
): Promise<void> {
  const memberId = member.lines('Consumer has joined the group').at(-1)?.['memberId'];
  if (typeof memberId !== 'string') throw new Error('the process has not joined the group');
  const options = {
    brokers,
    topics: [],
    groupId,
    clientId: 'tests',
    stateDir: null,
    log: silentLog,
    clock: systemClock,
  };
  const cluster = new Brokers(kafkaConfig(options, DEFAULT_TUNING), brokers);
  try {
    await cluster.atCoordinator(groupId, (broker) => broker.leaveGroup({ groupId, memberId }));
  } finally {
    await cluster.close();
  }
}

describeIntegration('coordinators that share a job', () => {
  test('a rebalance, the first one frozen beyond its session and woken: every record once', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('share');
    await makeTopic(brokers, topic, { partitions: 4 });
    const roll = { maxBytes: '20KiB', maxAge: '2s', maxIdle: '1s' };
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl }, sections: { roll } });
    const producer = new NumberProducer([...brokers], topic, { pauseMs: 5 });
    await producer.start();
    const first = job.start();
    await first.said('file committed', 8);
    const second = job.start();
    await second.said('partition claimed', 2);
    await Promise.all([first, second].map((each) => each.said('file committed', 12)));

    first.kill('SIGSTOP');
    await endSession(brokers, topic, first);
    await second.said('partition claimed', 4);
    await second.said('file committed', second.lines('file committed').length + 8);
    const before = committedDigests(job.lake);
    const claims = first.lines('partition claimed').length;
    first.kill('SIGCONT');
    await first.said('partition claimed', claims + 2);
    await first.said('file committed', first.lines('file committed').length + 8);
    expectUnchanged(before, job.lake);

    await producer.stop();
    for (const each of [first, second]) each.kill('SIGTERM');
    for (const each of [first, second]) expectCode(await each.ended, 0);
    await job.finish();
    expectUnchanged(before, job.lake);
    expectExactlyOnce(job.lake, producer.sent);
    const epochs = (await job.partitions()).map(({ epoch }) => epoch);
    console.log(
      `epochs of the partitions: ${epochs.join(', ')}; ${first.lines('the epoch is over').length} ` +
        'times fenced',
    );
  });
});

describeIntegration('the embedded journal', () => {
  test('refuses a second coordinator, which names the first; SIGKILL of the first frees it', async () => {
    const { brokers } = services();
    const topic = uniqueName('lock');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic });
    const first = job.start();
    await first.said('checkpoint completed');
    const refused = await job.untilEnd();
    expectCode(refused, 1);
    expect(refused.stderr).toContain(
      `tidemark: JOURNAL_LOCKED: The journal ${job.sqliteFile} is held by process ${first.pid}`,
    );
    // Refused is not fenced: the first one continues in its epoch.
    expect(await job.partitions()).toMatchObject([{ epoch: 1 }]);
    await first.killed();
    await job.finish();
    expectExactlyOnce(job.lake, [10]);
  });
});

describeIntegration('a restart after SIGKILL', () => {
  test('has its partitions back before the session of the dead member could have ended', async () => {
    const { brokers } = services();
    const topic = uniqueName('back');
    await makeTopic(brokers, topic, { partitions: 4 });
    const job = new TestJob({ brokers, topic });
    const first = job.start();
    await first.said('partition claimed', 4);
    await first.killed();
    const { groups } = await withAdmin(brokers, (admin) => admin.describeGroups([topic]));
    expect(groups[0]?.members, 'the dead member still holds its partitions').toHaveLength(1);
    const startedMs = performance.now();
    const second = job.start();
    await second.said('partition claimed', 4);
    const backMs = performance.now() - startedMs;
    console.log(`partitions back ${backMs.toFixed(0)} ms after the start of the process`);
    // Not because the group had ended the dead member's session: that takes longer.
    expect(backMs).toBeLessThan(DEFAULT_TUNING.sessionTimeoutMs);
    expect(second.has('its member has left group')).toBe(true);
    second.kill('SIGTERM');
    expectCode(await second.ended, 0);
  });
});
