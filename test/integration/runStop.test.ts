import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { startKafka } from '../services/servers.ts';
import { lines, makeTopic, numbers, produce } from './kafkaTopics.ts';
import { expectExactlyOnce, NumberProducer } from './numbers.ts';
import { TestJob, uniqueName, type PartitionDocument } from './testJob.ts';

const SECOND_MS = 1_000;
const LINGERING = 'a connection was not closed';

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
      await coordinator.said('partition claimed', 4);
      // The interval is an hour: only the last checkpoint can have counted anything.
      await producer.stop();
      await coordinator.saw('records', (line) => line.msg === 'progress' && Number(line['recordsRead']) > 0);
      coordinator.kill(signal);
      const end = await coordinator.ended;
      expect(end, end.stderr).toMatchObject({ code: 0, signal: null });
      expect(end.stderr).not.toContain(LINGERING);

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
});
