import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { describeJudge, find, pythonOfVersion, runPython } from '../judges/judge.ts';
import type { Fault } from '../../servers/oss/faults.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import type { OssServerProcess } from '../../servers/oss/process.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { cleanAudit, expectSums, KILLS } from './auditing.ts';
import { asLines, killStorm, OSS_KEYS, writeStormJob } from './killStorm.ts';
import { expectExactlyOnce } from './numbers.ts';
import { uniqueName } from './testJob.ts';

/** In turn, one at a life; what they do to a call is in servers/oss/faults.ts. */
const FAULTS: readonly Fault[] = [
  { type: 'cutAfter', operation: 'dfs.createFile' },
  { type: 'cutAfter', operation: 'dfs.fsyncFile' },
  { type: 'answerFalse', operation: 'dfs.truncateFile', delayMs: 300 },
  { type: 'cutAfter', operation: 'dfs.rename', times: 2 },
  { type: 'status', status: 503, operation: 'PutObject', times: 2 },
  { type: 'answerFalse', operation: 'dfs.recoveryLease', delayMs: 300 },
  { type: 'cutBefore', operation: 'dfs.completeFile' },
  { type: 'dfsError', errCode: 30013, operation: 'dfs.fsyncFile' },
  { type: 'cutAfter', operation: 'dfs.appendFile' },
  { type: 'slow', delayMs: 400, operation: 'dfs.addBlock', times: 3 },
  { type: 'cutAfter', operation: 'dfs.addBlock' },
];

const found = await find(async () => {
  const [python, jindosdk] = [await pythonOfVersion('3.11'), await fetchJindosdk(logToStderr)];
  return { python, ...jindosdk };
});

interface Job {
  readonly file: string;
  readonly folder: string;
  readonly sinkUri: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Places {
  readonly topic: string;
  /** Of the OSS server. */
  readonly address: string;
  readonly library: string;
  readonly kind: Case;
}

interface Case {
  readonly journal: 'nats' | 'sqlite';
  readonly format: 'text' | 'parquet';
}

const NATS: Case = { journal: 'nats', format: 'text' };
const ROWS: Case = { journal: 'sqlite', format: 'parquet' };
const CASES = inTier({
  test: [NATS],
  check: [NATS, ROWS],
  full: [NATS, { journal: 'sqlite', format: 'text' } satisfies Case, ROWS],
});

function writeJob(folder: string, { topic, address, library, kind }: Places): Job {
  const sink = {
    format: kind.format,
    path: `oss://lake.cn-test.oss-dls.aliyuncs.com/${topic}`,
    endpoint: `http://${address}`,
    jindosdk: { library },
  };
  const file = writeStormJob(folder, { topic, sink, journal: kind.journal, by: 'wall-clock' });
  return { file, folder, sinkUri: `oss://lake/${topic}`, env: OSS_KEYS };
}

describeJudge('OSS-HDFS through JindoSDK', found, ({ python, pythonPath, library }) => {
  /**
   * A copy of all that is at the destination, made by JindoSDK's Python interface; the folder it is in.
   */
  async function mirror(server: OssServerProcess, job: Job, name: string): Promise<string> {
    const folder = path.join(job.folder, name);
    mkdirSync(folder);
    const log = path.join(job.folder, 'python-log');
    await runPython(python, pythonPath, 'mirrorScript.py', server.address, log, job.sinkUri, folder);
    return folder;
  }

  describeIntegration(
    'a coordinator that writes to it and is killed again and again, real Kafka',
    () => {
      test.each(CASES)(
        'SIGKILL at random moments, faults on, journal $journal, $format: exactly once',
        async (kind) => {
          const folder = await ownFolder();
          const server = await ownOssServerProcess(path.join(folder, 'oss'));
          const topic = uniqueName(`kill-oss-${kind.journal}`);
          const job = writeJob(folder, { topic, address: server.address, library, kind });
          const { brokers } = services();
          const { sent, final, audits } = await killStorm({
            ...{ job, brokers, topic, server, faults: FAULTS },
            mirror: (name) => mirror(server, job, name),
          });
          expectExactlyOnce(asLines(final), sent);
          await audits.ended();
          expect(audits.made).toBeGreaterThanOrEqual(KILLS / 2);
          const audit = await cleanAudit(job, '--deep');
          if (kind.format === 'text') expectSums(audit, final, sent);
          else expect(audit.deep?.map(({ records }) => records)).toEqual(sent);
        },
      );
    },
    { timeoutMs: 400_000 },
  );
});
