/** The first start on a cluster that has no group coordinator (it cannot make the topic of the groups' offsets): aloud, and not for ever. */
import { expect, test } from 'vitest';
import { describeIntegration } from '../services/integration.ts';
import { startKafka } from '../services/servers.ts';
import { makeTopic, numbers, produce } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName, type StatusDocument } from './testJob.ts';

/** One broker cannot hold three replicas: each question for a coordinator is answered by "not available". */
const NO_COORDINATOR = { 'offsets.topic.replication.factor': '3' };

async function conditionsOf(job: TestJob): Promise<readonly { kind: string; about: string }[]> {
  // Its exit code tells of the journal, which is made once the group has told that it knows of none.
  const end = await job.command('status', '--json');
  const { coordinators } = JSON.parse(end.stdout) as StatusDocument;
  return coordinators.flatMap(({ conditions }) => conditions);
}

describeIntegration('without a group coordinator', () => {
  test(
    'a service says what it waits for, in the log and in status, and ends in order; a bounded run gives up with 3',
    { timeout: 120_000 },
    async () => {
      await using kafka = await startKafka({ config: NO_COORDINATOR });
      const topic = uniqueName('no-group');
      await makeTopic(kafka.brokers, topic);
      await produce(kafka.brokers, topic, numbers(0, 0, 5));
      const job = new TestJob({ brokers: kafka.brokers, topic, sections: { startup: { timeout: '4s' } } });
      const service = job.start();
      await service.said('still waiting for');
      // Its record is kept every few seconds; the journal is made before the group is asked for.
      let conditions: readonly { kind: string; about: string }[] = [];
      while (conditions.length === 0) conditions = await conditionsOf(job);
      expect(conditions.some(({ kind }) => kind === 'waiting' || kind === 'retried')).toBe(true);
      service.kill('SIGTERM');
      expectCode(await service.ended, 0);
      const bounded = await job.command('run', '--until-end');
      expectCode(bounded, 3);
      expect(bounded.stderr).toContain('SOURCE_UNAVAILABLE');
    },
  );
});
