/** `tidemark plan` before a job's first run, on a job that has run, and without Kafka. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import type { ProcessEnd } from './tidemarkProcess.ts';

interface PlanDocument {
  readonly isFirstStart: boolean;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly logEnd: string;
      readonly start: string;
      readonly startReason: string;
      readonly behind: string;
      readonly sample: { readonly records: number };
      readonly rate: { readonly type: string };
    }[];
    readonly paths: readonly { readonly uri: string }[];
  }[];
  readonly journal: { readonly state: string };
  readonly destination: { readonly marker: string };
  readonly findings: readonly string[];
}

const documentOf = ({ stdout }: ProcessEnd): PlanDocument => JSON.parse(stdout) as PlanDocument;

/**
 * What a reader of SQLite's log makes beside a journal that is there, as every command does. It is empty, or
 * in memory only.
 */
const OF_READERS = /\.tidemark(\/journal\.db-(wal|shm))?$/;

/** Groups and topics, and every file of the job's folder with its size and its time. */
async function everything(brokers: readonly string[], { folder, name }: TestJob): Promise<unknown> {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = all.filter((file) => !OF_READERS.test(file)).toSorted();
  return withAdmin(brokers, async (admin) => {
    const groups = (await admin.listGroups()).groups.filter(({ groupId }) => groupId === name);
    return {
      files: files.map((file) => {
        const { size, mtimeMs, mode } = statSync(path.join(folder, file));
        return { file, size, mtimeMs, mode };
      }),
      groups,
      offsets: groups.length === 0 ? [] : await admin.fetchOffsets({ groupId: name }),
      topics: (await admin.listTopics()).filter((topic) => topic.startsWith(name)).toSorted(),
    };
  });
}

describeIntegration('tidemark plan', () => {
  test('shows where the job begins and what it writes, and writes nothing', async () => {
    const { brokers } = services();
    const topic = uniqueName('planned');
    await makeTopic(brokers, topic, { partitions: 3 });
    await produce(brokers, topic, [...numbers(0, 0, 1_200), ...numbers(1, 0, 7)]);
    const job = new TestJob({ brokers, topic, topics: [topic, `${topic}-missing`] });

    const before = await everything(brokers, job);
    const missing = await job.command('plan', '--json');
    expectCode(missing, 1);
    expect(documentOf(missing).findings).toEqual([
      `Topic ${topic}-missing does not exist: a run waits for it.`,
    ]);
    expect(await everything(brokers, job)).toEqual(before);

    const { folder } = job;
    const whole = new TestJob({ brokers, topic, folder });
    const first = await whole.command('plan', '--json');
    expectCode(first, 0);
    expect(documentOf(first)).toMatchObject({
      isFirstStart: true,
      journal: { state: 'none' },
      destination: { marker: 'none' },
      topics: [
        {
          partitions: [
            {
              logEnd: '1200',
              start: '0',
              startReason: 'startFrom',
              behind: '1200',
              sample: { records: 1_000 },
            },
            { logEnd: '7', start: '0', startReason: 'startFrom', behind: '7', sample: { records: 7 } },
            { logEnd: '0', start: '0', sample: { records: 0 }, rate: { type: 'none' } },
          ],
        },
      ],
    });

    await whole.finish();
    await produce(brokers, topic, numbers(1, 7, 9));
    const after = await everything(brokers, whole);
    const later = await whole.command('plan', '--json', '--sample', '2');
    expectCode(later, 0);
    expect(await everything(brokers, whole)).toEqual(after);
    expect(statSync(`${whole.sqliteFile}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
    const document = documentOf(later);
    expect(document).toMatchObject({
      isFirstStart: false,
      journal: { state: 'found' },
      destination: { marker: 'own' },
      topics: [
        {
          partitions: [
            { start: '1200', startReason: 'journal', behind: '0', sample: { records: 2 } },
            { start: '7', startReason: 'journal', behind: '2', sample: { records: 2 } },
            { start: '0', behind: '0' },
          ],
        },
      ],
    });

    const text = await whole.command('plan');
    expectCode(text, 0);
    expect(text.stdout).toContain(`${topic}/1`);
    expect(text.stdout).toContain(document.topics[0]?.paths[0]?.uri);
    await whole.finish();
    expect([...whole.committed().values()].flat().toSorted()).toEqual(
      [...lines(0, 0, 1_200), ...lines(1, 0, 9)].toSorted(),
    );
  });

  test('ends where Kafka is away, within its time', async () => {
    const job = new TestJob({ brokers: ['127.0.0.1:1'], topic: uniqueName('away') });
    const end = await job.command('plan', '--timeout', '20s');
    expectCode(end, 3);
    expect(end.stderr).toContain('SOURCE_UNAVAILABLE');
    expect(readdirSync(job.folder)).toEqual(['job.yaml']);
  });
});
