import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { valuesIn } from '../../sim/job/content.ts';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { describeJudge, find, pythonOfVersion, runPython } from '../judges/judge.ts';
import type { Fault } from '../../servers/oss/faults.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import type { OssServerProcess } from '../../servers/oss/process.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { AuditsMeanwhile, KILLS, cleanAudit, expectSums } from './auditing.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { tidemark, TidemarkProcess } from './tidemarkProcess.ts';
import { uniqueName } from './testJob.ts';

const LONGEST_LIFE_MS = 600;

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

/** A copy of the folder in which Parquet files are their values, as lines. */
function asLines(folder: string): string {
  const lines = `${folder}-lines`;
  cpSync(folder, lines, { recursive: true });
  for (const entry of readdirSync(lines, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.name.endsWith('.parquet')) writeFileSync(file, valuesIn(readFileSync(file)));
  }
  return lines;
}

function writeJob(folder: string, { topic, address, library, kind }: Places): Job {
  const { brokers, natsUrl } = services();
  const file = path.join(folder, 'job.yaml');
  const document = {
    job: topic,
    source: { kafka: { brokers, topics: [topic], groupId: topic } },
    sink: {
      format: kind.format,
      path: `oss://lake.cn-test.oss-dls.aliyuncs.com/${topic}`,
      endpoint: `http://${address}`,
      jindosdk: { library },
    },
    bucket: { by: 'wall-clock', pattern: 'yyyy-MM-dd--HH-mm' },
    roll: { maxBytes: '40KiB', maxAge: '5s', maxIdle: '2s' },
    checkpoint: { interval: '200ms' },
    ...(kind.journal === 'nats' ? { journal: { nats: { servers: [natsUrl], stream: 'TIDEMARK' } } } : {}),
  };
  writeFileSync(file, stringify(document));
  const env = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'test-id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'test-secret' };
  return { file, folder, sinkUri: `oss://lake/${topic}`, env };
}

function start(job: Job): TidemarkProcess {
  const coordinator = new TidemarkProcess(['run', job.file, '--log-level', 'debug'], job.env);
  onTestFinished(async () => {
    await coordinator.killed();
  });
  return coordinator;
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

  const committedIn = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

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
          const audits = new AuditsMeanwhile(job);
          const { brokers } = services();
          await createTopic(brokers, topic);
          const producer = new NumberProducer(brokers, topic, { pauseMs: 20 });
          await producer.start();
          let counted = 0;
          let halfway = '';
          for (let started = 0; counted < KILLS && started < 3 * KILLS; started += 1) {
            const coordinator = start(job);
            await coordinator.said('checkpoint completed');
            counted += 1;
            const fault = FAULTS[counted % FAULTS.length];
            if (fault !== undefined) await server.arm(fault);
            await audits.during(counted);
            const isHalfway = counted === KILLS / 2;
            // Else a fast machine kills all of them before there is a file to compare with.
            if (isHalfway) await coordinator.said('file committed');
            await delay(Math.random() * LONGEST_LIFE_MS);
            // A crash of native code ends the process as suddenly.
            coordinator.kill(counted % 4 === 0 ? 'SIGSEGV' : 'SIGKILL');
            await coordinator.ended;
            if (isHalfway) halfway = await mirror(server, job, 'halfway');
          }
          await producer.stop();
          await server.disarm();
          const end = await tidemark(['run', job.file, '--until-end'], job.env);
          expect(end, end.stderr).toMatchObject({ code: 0 });
          const final = await mirror(server, job, 'final');
          const before = committedIn(halfway);
          console.log(
            `${counted} kills counted, ${producer.sent.reduce((a, b) => a + b)} records, ` +
              `${committedIn(final).length} files`,
          );
          expect(counted).toBeGreaterThanOrEqual(KILLS);
          expect(before.length).toBeGreaterThan(0);
          for (const name of before)
            expect(readFileSync(path.join(final, name)), name).toEqual(
              readFileSync(path.join(halfway, name)),
            );
          expectExactlyOnce(asLines(final), producer.sent);
          await audits.ended();
          expect(audits.made).toBeGreaterThanOrEqual(KILLS / 2);
          const audit = await cleanAudit(job, '--deep');
          if (kind.format === 'text') expectSums(audit, final, producer.sent);
          else expect(audit.deep?.map(({ records }) => records)).toEqual(producer.sent);
        },
      );
    },
    { timeoutMs: 400_000 },
  );
});
