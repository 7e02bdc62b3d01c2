import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce } from './kafkaTopics.ts';
import { TestJob, uniqueName } from './testJob.ts';

describeIntegration('a sink that is the folder of the job file', () => {
  test('has nothing of this machine in the folder of a marker, whatever the job is called', async () => {
    const { brokers } = services();
    const topic = uniqueName('here');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    // Where members of a group used to be kept.
    const job = new TestJob({ brokers, topic, sections: { job: 'members', sink: { path: '.' } } });
    const run = job.start();
    await run.said('partition claimed');
    await run.killed();
    await job.finish();
    expect(await job.partitions()).toMatchObject([{ nextOffset: '10', stop: null }]);
  });
});
