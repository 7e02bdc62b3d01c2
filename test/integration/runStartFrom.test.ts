/** Offsets that the job file gives to begin at. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

describeIntegration('startFrom with offsets', () => {
  test('begins there, once; what does not fit is named, and leaves nothing behind', async () => {
    const { brokers } = services();
    const topic = uniqueName('offsets');
    await makeTopic(brokers, topic, { partitions: 2 });
    await produce(brokers, topic, [...numbers(0, 0, 10), ...numbers(1, 0, 10)]);
    const jobFrom = (partitions: Readonly<Record<number, number>>, folder?: string): TestJob => {
      const startFrom = { offsets: { [topic]: partitions } };
      const kafka = { brokers, topics: [topic], groupId: topic, startFrom };
      return new TestJob({
        ...{ brokers, topic, sections: { source: { kafka } } },
        ...(folder === undefined ? {} : { folder }),
      });
    };
    const { folder, lake } = jobFrom({});
    const wrong = await jobFrom({ 0: 11 }, folder).untilEnd();
    expectCode(wrong, 2);
    expect(wrong.stderr).toContain('tidemark: SOURCE_START_INVALID: ');
    expect(wrong.stderr).toContain(`${topic}/0 is to begin at 11, but its log holds 0 up to 10`);
    expect(wrong.stderr).toContain(`${topic}/1 has no offset; its log holds 0 up to 10`);
    expect(existsSync(lake)).toBe(false);
    const job = jobFrom({ 0: 7, 1: 10 }, folder);
    await job.finish();
    await produce(brokers, topic, numbers(1, 10, 12));
    // Only the first start goes by them: what they name now is not even looked at.
    await jobFrom({ 0: 99 }, folder).finish();
    expect([...job.committed().values()].flat().toSorted()).toEqual(
      [...lines(0, 7, 10), ...lines(1, 10, 12)].toSorted(),
    );
  });
});
