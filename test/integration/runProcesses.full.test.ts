/** What may happen to a supervisor itself: killed, signalled with all its processes, or there twice. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import type { TidemarkProcess } from './tidemarkProcess.ts';

async function scene(instanceId: string | null = null) {
  const { brokers, natsUrl } = services();
  const topic = uniqueName('supervisor');
  await createTopic(brokers, topic);
  const kafka = { brokers, topics: [topic], groupId: topic, ...(instanceId === null ? {} : { instanceId }) };
  const job = new TestJob({ brokers, topic, nats: { url: natsUrl }, sections: { source: { kafka } } });
  const producer = new NumberProducer(brokers, topic, { pauseMs: 20 });
  await producer.start();
  return { job, producer };
}

/** Pids of its processes, once both have counted something. */
async function bothRun(run: TidemarkProcess): Promise<readonly number[]> {
  for (const index of [0, 1])
    await run.saw(
      `a checkpoint of ${index}`,
      ({ msg, process }) => msg.includes('checkpoint completed') && process === index,
    );
  return run.lines('is started').map(({ pid }) => Number(pid));
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

describeIntegration('the supervisor of several processes', () => {
  test('is killed: its processes end by themselves, in order', async () => {
    const { job, producer } = await scene();
    const run = job.start('--processes', '2');
    const pids = await bothRun(run);
    expect(pids).toHaveLength(2);
    run.kill('SIGKILL');
    while (pids.some(isThere)) await delay(50);
    await producer.stop();
    const stops = (await job.jobEvents()).filter(({ type }) => type === 'jobStopped');
    expect(stops).toMatchObject([{ reason: 'signal' }, { reason: 'signal' }]);
    await job.finish();
    expectExactlyOnce(job.lake, producer.sent);
  });

  test('is stopped together with its processes, as a unit of systemd is: in order all the same', async () => {
    const { job, producer } = await scene();
    const run = job.start('--processes', '2');
    const pids = await bothRun(run);
    await producer.stop();
    run.kill('SIGTERM');
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    expectCode(await run.ended, 0);
    await job.finish();
    expectExactlyOnce(job.lake, producer.sent);
  });

  test('is there twice with one instance id: the older ends, and starts nothing again', async () => {
    const { job, producer } = await scene('host');
    const older = job.start('--processes', '2');
    await bothRun(older);
    const newer = job.start('--processes', '2');
    const end = await older.ended;
    expectCode(end, 1);
    expect(end.stderr).toMatch(/as instance host-[01] /);
    expect(end.stderr).toContain('to start it again would not help');
    await bothRun(newer);
    await producer.stop();
    newer.kill('SIGTERM');
    expectCode(await newer.ended, 0);
    await job.finish();
    expectExactlyOnce(job.lake, producer.sent);
  });
});
