/**
 * Flink's file system for OSS judges the OSS server: a job is killed while it uploads a part, and continues
 * from its last checkpoint. Every record is then in one object, once.
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ListObjectResult } from 'ali-oss';
import { expect, onTestFinished, test } from 'vitest';
import { flinkArguments, flinkOssClassPath, type FlinkJob } from '../../bench/flink/flinkJob.ts';
import { checkpointAfter, isFirstRecord, lastCheckpoint } from '../../bench/flink/flinkRestart.ts';
import { BenchProcess } from '../../bench/harness/measuredProcess.ts';
import { flinkDestination } from '../../bench/oss/plainOss.ts';
import { appendRecords, createTopic, RECORD_BYTES, withAdmin } from '../../bench/topic/benchTopic.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { unique } from '../integration/kafkaFixture.ts';
import { ownFolder, ownOssServer } from '../servers/oss/fixture.ts';
import { aliOss } from '../servers/oss/testClient.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { describeJudge, find } from './judge.ts';

/** More than the 10 MiB of a part for each of Flink's two writers. */
const RECORDS = 300_000;
const CHECKPOINT_MS = 1_000;
const POLL_MS = 200;
const WRITTEN_WITHIN_MS = 180_000;
const TEST_MS = 400_000;
const ID_AT = '{"id":"'.length;
const ID_DIGITS = 10;

const found = await find(() => flinkOssClassPath(logToStderr));

describeIntegration('Flink and the OSS server', () => {
  describeJudge('Flink, killed while it uploads, writes each record once', found, (classPath) => {
    test(
      'and leaves what its checkpoints kept behind',
      async () => {
        const topic = unique('flink-oss');
        const arrived = Promise.withResolvers<null>();
        const killed = Promise.withResolvers<null>();
        const pause = async (): Promise<void> => {
          arrived.resolve(null);
          await killed.promise;
        };
        const server = await ownOssServer({ pause });
        const job: FlinkJob = {
          ...{ brokers: services().brokers, topic, group: topic, folder: await ownFolder() },
          ...{ checkpointMs: CHECKPOINT_MS, isQuick: true, isUnbounded: true },
          destination: flinkDestination(server.address, 'out'),
        };
        await withAdmin(job.brokers, (admin) => createTopic(admin, topic));
        await append(job, 0);

        const first = start(classPath, job);
        const { atMs } = await first.said(isFirstRecord);
        await checkpointAfter(performance.timeOrigin + atMs, job, first);
        server.faults.arm({ type: 'slow', operation: 'UploadPart', delayMs: 0 });
        await append(job, RECORDS);
        await Promise.race([arrived.promise, first.ended]);
        expect(first.child.exitCode).toBeNull();
        await first.killed();
        killed.resolve(null);

        const restore = lastCheckpoint(job)?.folder ?? '';
        const second = start(classPath, { ...job, restore, rollSeconds: 3 });
        const oss = aliOss(server.address);
        await untilWritten(oss, second, 2 * RECORDS);
        await second.killed();

        const counts = await countsOf(oss);
        expect({ lost: counts.indexOf(0), doubled: counts.findIndex((count) => count > 1) }).toEqual({
          lost: -1,
          doubled: -1,
        });
        // What each checkpoint kept of a part that was not full yet. Flink never removes it.
        const hidden = (await objectsOf(oss)).filter((one) => !isData(one)).map(({ name }) => name);
        expect(hidden).not.toEqual([]);
        expect(hidden.filter((name) => !/^out\/_part-.*_tmp_/.test(name))).toEqual([]);
      },
      TEST_MS,
    );
  });
});

function append({ brokers, topic }: FlinkJob, from: number): Promise<void> {
  const options = { brokers, codec: 'none', records: RECORDS, log: logToStderr } as const;
  return appendRecords(options, topic, { from, count: RECORDS });
}

function start(classPath: string, job: FlinkJob): BenchProcess {
  const process_ = new BenchProcess('java', flinkArguments(classPath, job), { what: 'Flink' });
  onTestFinished(() => process_.killed());
  return process_;
}

type Client = ReturnType<typeof aliOss>;
interface Listed {
  readonly name: string;
  readonly size: number;
}

async function objectsOf(oss: Client): Promise<Listed[]> {
  const page: Partial<ListObjectResult> = await oss.list({ prefix: 'out/', 'max-keys': 1_000 }, {});
  return page.objects ?? [];
}

/** What readers take for data. */
const isData = ({ name }: Listed): boolean => !/^[._]/.test(path.basename(name));

async function untilWritten(oss: Client, running: BenchProcess, records: number): Promise<void> {
  for (const giveUpAt = Date.now() + WRITTEN_WITHIN_MS; Date.now() < giveUpAt;) {
    if (running.child.exitCode !== null) throw running.failure(running.child.exitCode);
    const bytes = (await objectsOf(oss)).filter(isData).reduce((sum, { size }) => sum + size, 0);
    if (bytes >= records * (RECORD_BYTES + 1)) return;
    await delay(POLL_MS);
  }
  throw new Error(`Flink did not write everything within ${WRITTEN_WITHIN_MS / 1_000} s`);
}

/** How often each record is in the objects, by its number. */
async function countsOf(oss: Client): Promise<Uint8Array> {
  const counts = new Uint8Array(2 * RECORDS);
  for (const { name } of (await objectsOf(oss)).filter(isData)) {
    const lines = ((await oss.get(name)).content as Buffer).toString('latin1').split('\n');
    expect(lines.pop(), `${name} ends with a line feed`).toBe('');
    for (const line of lines) {
      const id = Number(line.slice(ID_AT, ID_AT + ID_DIGITS));
      if (line.length !== RECORD_BYTES || counts[id] === undefined) expect.fail(`${name}: ${line}`);
      counts[id] += 1;
    }
  }
  return counts;
}
