/**
 * Plain OSS: a coordinator that is killed again and again, an upload that expires, what is left removed. All
 * records are counted by Alibaba's Python client.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import AliOss from 'ali-oss';
import { expect, test } from 'vitest';
import { logToStderr } from '../../scripts/services/common.ts';
import { ensureOss2 } from '../../scripts/services/download.ts';
import { inTier } from '../../scripts/testTiers.ts';
import type { Fault } from '../../servers/oss/faults.ts';
import { describeJudge, find, runPython } from '../judges/judge.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { cleanAudit, type AuditedJob } from './auditing.ts';
import { asLines, killStorm, OSS_KEYS, startService, writeStormJob } from './killStorm.ts';
import { expectExactlyOnce } from './numbers.ts';
import { expectCode, uniqueName, type StatusDocument } from './testJob.ts';
import { tidemark } from './tidemarkProcess.ts';

const FAULTS: readonly Fault[] = [
  { type: 'cutAfter', operation: 'CompleteMultipartUpload' },
  { type: 'status', status: 503, operation: 'UploadPart', times: 2 },
  { type: 'cutAfter', operation: 'InitiateMultipartUpload' },
  { type: 'cutBefore', operation: 'CompleteMultipartUpload' },
  { type: 'slow', delayMs: 700, operation: 'CompleteMultipartUpload' },
  { type: 'cutAfter', operation: 'UploadPart' },
  { type: 'status', status: 500, operation: 'CompleteMultipartUpload', times: 2 },
  { type: 'cutAfter', operation: 'PutObject' },
  { type: 'slow', delayMs: 400, operation: 'UploadPart', times: 3 },
  { type: 'cutBefore', operation: 'HeadObject', times: 2 },
  { type: 'cutAfter', operation: 'AbortMultipartUpload' },
];

type Case = { readonly journal: 'nats' | 'sqlite'; readonly format: 'text' | 'parquet' };

const CASES = inTier<readonly Case[]>({
  test: [{ journal: 'nats', format: 'text' }],
  check: [{ journal: 'nats', format: 'text' }],
  full: [
    { journal: 'nats', format: 'text' },
    { journal: 'sqlite', format: 'parquet' },
  ],
});

const STOPPED = 'the partition is stopped until an operator';

interface Place {
  readonly job: AuditedJob;
  readonly topic: string;
  readonly address: string;
}

/** Ends all uploads, as a lifecycle rule would, in the order of their age. */
async function expireUploads({ address, topic }: Place): Promise<number> {
  const client = new AliOss({
    ...{ accessKeyId: 'test-id', accessKeySecret: 'test-secret', bucket: 'lake', region: 'cn-test' },
    ...{ endpoint: `http://localhost:${address.split(':')[1] ?? ''}`, sldEnable: true, secure: false },
  });
  const { uploads } = await client.listUploads({ prefix: `${topic}/`, 'max-uploads': 1_000 });
  for (const { name, uploadId } of uploads) await client.abortMultipartUpload(name, uploadId);
  return uploads.length;
}

async function partitionsOf({ job }: Place): Promise<StatusDocument['partitions']> {
  const { stdout } = await tidemark(['status', job.file, '--json'], job.env);
  return (JSON.parse(stdout) as StatusDocument).partitions;
}

/** Whether the journal counts bytes of files that are not published. */
async function hasUnpublished(place: Place): Promise<boolean> {
  const parts = (await partitionsOf(place)).flatMap(({ buckets }) => buckets.flatMap((each) => each.parts));
  return parts.some(({ state, length }) => ['inProgress', 'pending'].includes(state) && length > 0);
}

async function stoppedIn(place: Place): Promise<number[]> {
  const found = (await partitionsOf(place)).filter(({ state }) => state === 'stopped');
  return found.map(({ partition }) => partition);
}

/** Uploads that expire stop their partitions; repairs have their records read again. */
async function expiredAndRepaired(place: Place): Promise<void> {
  const { job, topic } = place;
  do {
    const killed = startService(job);
    await killed.said('checkpoint completed', 4);
    await killed.killed();
  } while (!(await hasUnpublished(place)));
  expect(await expireUploads(place)).toBeGreaterThan(0);
  const coordinator = startService(job);
  await coordinator.said(STOPPED);
  for (let found = await stoppedIn(place); found.length > 0; found = await stoppedIn(place)) {
    for (const partition of found) {
      // Nobody has taken a closed file away whose upload has expired, too.
      const repair = ['repair', job.file, '--partition', `${topic}/${partition}`, '--not-taken'];
      expectCode(await tidemark(repair, job.env), 0);
    }
    await coordinator.said('checkpoint completed', coordinator.lines('checkpoint completed').length + 4);
  }
  coordinator.kill('SIGTERM');
  expectCode(await coordinator.ended, 0);
}

describeJudge('oss2', await find(() => ensureOss2(logToStderr)), (pythonPath) => {
  describeIntegration(
    'a coordinator that writes to plain OSS and is killed again and again, real Kafka',
    () => {
      test.each(CASES)(
        'SIGKILL at random moments, faults on, journal $journal, $format: exactly once',
        async ({ journal, format }) => {
          const folder = await ownFolder();
          const server = await ownOssServerProcess(path.join(folder, 'oss'));
          const topic = uniqueName(`kill-oss-${journal}`);
          const sink = {
            ...{ format, path: `oss://lake.oss-cn-test.aliyuncs.com/${topic}` },
            ...{ endpoint: `http://${server.address}`, uploadPartSize: '100KiB' },
          };
          const job = {
            file: writeStormJob(folder, { topic, sink, journal, by: 'record-time' }),
            env: OSS_KEYS,
          };
          const mirror = async (name: string): Promise<string> => {
            const copy = path.join(folder, name);
            mkdirSync(copy);
            await runPython('python3', pythonPath, 'ossMirrorScript.py', server.address, 'lake', topic, copy);
            return copy;
          };
          const { brokers } = services();
          const place = { job, topic, address: server.address };
          const afterKills = (): Promise<void> => expiredAndRepaired(place);
          const storm = { job, brokers, topic, server, faults: FAULTS, mirror, afterKills };
          const { sent, final, audits } = await killStorm(storm);
          expectExactlyOnce(asLines(final), sent);
          await audits.ended();
          const { deep } = await cleanAudit(job, '--deep');
          expect(deep?.map(({ records }) => records)).toEqual(sent);
          expectCode(await tidemark(['orphans', job.file, '--delete', '--min-age', '0s'], job.env), 0);
          const swept = await mirror('swept');
          const names = (copy: string): string[] => readdirSync(copy, { recursive: true }).map(String);
          expect(names(swept).toSorted(), 'marker, witnesses and files').toEqual(names(final).toSorted());
          expect(names(swept)).toContain(`.tidemark/${topic}`);
          expect(await expireUploads(place), 'uploads are left').toBe(0);
        },
      );
    },
    { timeoutMs: 400_000 },
  );
});
