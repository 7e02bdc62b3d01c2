/** `tidemark audit --deep` reads a real Kafka again: what it holds, what it hides, and what is gone. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CompressionTypes, ConfigResourceTypes } from 'kafkajs';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { cleanAudit } from './auditing.ts';
import { systemClock } from '../../src/system/clock.ts';
import { deleteRecords, readDecoded } from './kafkaFixture.ts';
import { makeTopic, numbers, produce, transact, withAdmin, withProducer } from './kafkaTopics.ts';
import { TestJob, uniqueName } from './testJob.ts';
import { tidemark } from './tidemarkProcess.ts';

const HOUR_MS = 3_600_000;
/** Cleaned as soon as the broker's cleaner comes by. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0.001',
  'max.compaction.lag.ms': '100',
  'delete.retention.ms': '0',
};

const keyed = (key: string) => ({ partition: 0, key, value: `of ${key}` });

describeIntegration('a deep audit', () => {
  async function jobOf(
    sections: Readonly<Record<string, unknown>>,
    config: Readonly<Record<string, string>> = {},
  ) {
    const { brokers } = services();
    const topic = uniqueName('deep');
    await makeTopic(brokers, topic, { config });
    return { brokers, topic, job: new TestJob({ brokers, topic, sections }) };
  }

  test('of transactions, nulls, line feeds, compression: each record is in its file', async () => {
    const { brokers, topic, job } = await jobOf({
      bucket: { by: 'record-time', pattern: 'yyyy-MM-dd--HH' },
      roll: { maxBytes: '20B' },
      value: { lineFeeds: 'keep' },
    });
    const times = (messages: ReturnType<typeof numbers>) =>
      messages.map((message, index) => ({ ...message, timestamp: `${(index % 3) * HOUR_MS + index}` }));
    await transact(brokers, topic, times(numbers(0, 0, 30)), 'commit');
    await transact(brokers, topic, numbers(0, 30, 40), 'abort');
    await job.finish();
    await withProducer(brokers, async (producer) => {
      const nothing = Array.from({ length: 5 }, () => ({ partition: 0, key: 'gone', value: null }));
      const several = [
        { partition: 0, value: 'one\ntwo\n' },
        { partition: 0, value: '' },
      ];
      await producer.send({ topic, messages: [...nothing, ...several], compression: CompressionTypes.GZIP });
    });
    await job.finish();
    const { deep, partitions } = await cleanAudit(job, '--deep');
    const committed = partitions[0]?.files.committed ?? 0;
    expect(committed).toBeGreaterThan(4);
    // Two markers, and ten records that were aborted.
    expect(deep).toMatchObject([
      {
        ...{
          comparedBy: 'order',
          from: '0',
          to: '49',
          notInSource: '0',
          records: 32,
          nullValues: 5,
          holes: '12',
          holesBy: { markers: '2', aborted: '10', compacted: '0', unknown: '0' },
        },
        files: { compared: committed, notCompared: 0 },
      },
    ]);
  });

  test('of records that were deleted, of a topic that was made again: counted, and no damage', async () => {
    const { brokers, topic, job } = await jobOf({ bucket: { by: 'none' }, roll: { maxBytes: '60B' } });
    await produce(brokers, topic, numbers(0, 0, 40));
    await job.finish();
    await deleteRecords(brokers, topic, 20);
    const { deep, partitions } = await cleanAudit(job, '--deep');
    const committed = partitions[0]?.files.committed ?? 0;
    expect(deep).toMatchObject([
      { from: '20', to: '40', notInSource: '20', expired: '20', records: 20, holes: '0' },
    ]);
    const { compared = 0, notCompared = 0 } = deep?.[0]?.files ?? {};
    expect(compared).toBeGreaterThan(0);
    expect(notCompared).toBe(committed - compared);

    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await makeTopic(brokers, topic);
    await produce(
      brokers,
      topic,
      numbers(7, 0, 5).map((message) => ({ ...message, partition: 0 })),
    );
    expect((await cleanAudit(job, '--deep')).deep).toMatchObject([
      { notInSource: '40', expired: '0', records: 0, files: { compared: 0, notCompared: committed } },
    ]);
  });

  test('of a compacted topic: what was removed before and after it was read', async () => {
    const { brokers, topic, job } = await jobOf({ bucket: { by: 'none' } }, COMPACTED);
    // Of each first batch its begin is kept, of each second one nothing, until the last round.
    const rounds = [0, 1, 2, 3, 4].flatMap((round) => [
      [`kept-${round}`, 'hot-1', 'hot-2'],
      ['hot-1', 'hot-2'],
    ]);
    await withProducer(
      brokers,
      async (producer) => {
        for (const keys of rounds) await producer.send({ topic, messages: keys.map(keyed) });
      },
      // Of an idempotent one the last batch stays in the log, although it is empty.
      { idempotent: false },
    );
    const cleaned = async (records: number): Promise<void> => {
      for (;;) {
        // A segment is rolled by an append only, and the newest is never compacted.
        await produce(brokers, topic, [keyed('roll')]);
        const found = await readDecoded('batches', { brokers, topic });
        if (found.filter(({ offset }) => offset < 25n).length === records) return;
        await systemClock.pause(200);
      }
    };
    await cleaned(7);
    await job.finish();
    const [before] = (await cleanAudit(job, '--deep')).deep ?? [];
    const { markers, aborted, compacted, unknown } = before?.holesBy ?? {};
    expect({ markers, aborted, unknown }).toEqual({ markers: '0', aborted: '0', unknown: '0' });
    expect(Number(compacted)).toBeGreaterThanOrEqual(25 - 7);
    expect(compacted).toBe(before?.holes);

    await produce(brokers, topic, ['hot-1', 'hot-2', 'kept-0', 'end'].map(keyed));
    await cleaned(4);
    const [after] = (await cleanAudit(job, '--deep')).deep ?? [];
    expect(after?.holesBy).toMatchObject({ markers: '0', aborted: '0', unknown: '0' });
    expect(Number(after?.holes) - Number(before?.holes)).toBeGreaterThanOrEqual(3);
    expect(after?.removedSince).toBeGreaterThanOrEqual(3);

    // Nothing else changes: where the topic is compacted no more, batches that are gone have no cause.
    await withAdmin(brokers, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: topic,
            configEntries: [{ name: 'cleanup.policy', value: 'delete' }],
          },
        ],
      }),
    );
    const { stdout } = await tidemark(['audit', job.file, '--deep']);
    expect(stdout).toContain(
      `${topic}/0 offsets 8 to 9: 2 without a record: no batch holds them, and the topic is not compacted\n`,
    );
    const [unexplained] = (await cleanAudit(job, '--deep')).deep ?? [];
    const { compacted: inBatches, unknown: gone } = unexplained?.holesBy ?? {};
    expect(Number(inBatches) + Number(gone)).toBe(Number(unexplained?.holes));
    expect([Number(inBatches) >= 5 * 2, Number(gone) >= 4 * 2]).toEqual([true, true]);
  });

  test('of files: each line is in the file of its bucket', async () => {
    const job = new TestJob({
      ...{ brokers: [], topic: 'deep' },
      sections: { source: { file: { path: 'lines.txt' } }, roll: { maxBytes: '100B' } },
    });
    const file = path.join(job.folder, 'lines.txt');
    for (const from of [0, 500]) {
      const lines = Array.from({ length: 500 }, (_, index) => `line ${from + index}\n`);
      appendFileSync(file, lines.join(''));
      await job.finish();
    }
    const { deep, partitions } = await cleanAudit(job, '--deep');
    const compared = partitions[0]?.files.committed ?? 0;
    expect(deep).toMatchObject([
      { comparedBy: 'order', records: 1_000, files: { compared, notCompared: 0 } },
    ]);

    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('line 900\n', 'LINE 900\n'));
    // It is another file now, as its identity tells.
    const notCompared = compared;
    expect((await cleanAudit(job, '--deep')).deep).toMatchObject([
      { records: 0, notInSource: '1000', files: { compared: 0, notCompared } },
    ]);
    rmSync(file);
    expect((await cleanAudit(job, '--deep')).deep).toMatchObject([{ records: 0, notInSource: '1000' }]);
  });
});
