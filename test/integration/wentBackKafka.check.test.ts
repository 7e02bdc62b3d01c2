/** A journal that is put back to an older copy where the group remembers nothing any more: with the real command and a real Kafka. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { committedDigests } from './numbers.ts';
import { expectCode, scratchFolder, TestJob, uniqueName } from './testJob.ts';

/** A claim looks for a later one for ten seconds before it says that the journal went back. */
vi.setConfig({ testTimeout: 180_000 });

describeIntegration('an older journal under a group that was deleted, as one that expired is', () => {
  test('with entropy: the witness at the destination stops the partition, and nothing is doubled', async () => {
    const { brokers } = services();
    const topic = uniqueName('expired');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const sink = { path: 'lake/_entropy_', entropy: { key: '_entropy_', length: 6 } };
    const job = new TestJob({ brokers, topic, sections: { sink } });
    const [journal, older] = [path.dirname(job.sqliteFile), scratchFolder()];
    await job.finish();
    cpSync(journal, older, { recursive: true });
    await produce(brokers, topic, numbers(0, 10, 20));
    await job.finish();
    const before = committedDigests(job.lake);
    rmSync(journal, { recursive: true });
    mkdirSync(journal);
    cpSync(older, journal, { recursive: true });
    await withAdmin(brokers, (admin) => admin.deleteGroups([topic]));
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain(`tidemark: ${topic}/0 stopped: JOURNAL_ROLLED_BACK: `);
    expect(end.stderr).toContain('The offsets [10, 20) would be read again.');
    expect(committedDigests(job.lake)).toEqual(before);
  });
});
