/** Plain OSS: a coordinator that is killed again and again, counted by Alibaba's Python client. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { logToStderr } from '../../scripts/services/common.ts';
import { ensureOss2 } from '../../scripts/services/download.ts';
import { inTier } from '../../scripts/testTiers.ts';
import type { Fault } from '../../servers/oss/faults.ts';
import { describeJudge, find, runPython } from '../judges/judge.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { cleanAudit, expectSums } from './auditing.ts';
import { asLines, killStorm, OSS_KEYS, writeStormJob } from './killStorm.ts';
import { expectExactlyOnce } from './numbers.ts';
import { uniqueName } from './testJob.ts';

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
          const job = { file: writeStormJob(folder, { topic, sink, journal }), env: OSS_KEYS };
          const mirror = async (name: string): Promise<string> => {
            const copy = path.join(folder, name);
            mkdirSync(copy);
            await runPython('python3', pythonPath, 'ossMirrorScript.py', server.address, 'lake', topic, copy);
            return copy;
          };
          const { brokers } = services();
          const storm = { job, brokers, topic, server, faults: FAULTS, mirror };
          const { sent, final, audits } = await killStorm(storm);
          expectExactlyOnce(asLines(final), sent);
          await audits.ended();
          const audit = await cleanAudit(job, '--deep');
          if (format === 'text') expectSums(audit, final, sent);
          else expect(audit.deep?.map(({ records }) => records)).toEqual(sent);
        },
      );
    },
    { timeoutMs: 400_000 },
  );
});
