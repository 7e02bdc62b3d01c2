/** A run that writes to OSS-HDFS: what it leaves, and that nobody learns its access key from it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { describeJudge, find } from '../judges/judge.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { createTopic, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const SECRET = 'kLmN0pQrStUvWxYz-very-secret';
const WRONG_SECRET = 'aBcDeFgHiJkLmNoP-wrong-secret';

const found = await find(() => fetchJindosdk(logToStderr));

/** Every file below a folder but the job file, which holds the secret as its owner wrote it. */
function filesHolding(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'job.yaml')
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}

describeJudge('OSS-HDFS through JindoSDK', found, ({ library }) => {
  describeIntegration('a run that writes to it', () => {
    async function jobWith(secret: string): Promise<TestJob> {
      const server = await ownOssServerProcess(await ownFolder(), '--access-key-secret', SECRET);
      const { brokers } = services();
      const topic = uniqueName('run-oss');
      await createTopic(brokers, topic);
      const producer = new NumberProducer(brokers, topic, { pauseMs: 20 });
      await producer.start();
      await producer.stop();
      await server.arm({ type: 'status', status: 503, operation: 'PutObject', times: 2 });
      await server.arm({ type: 'dfsError', errCode: 30013, operation: 'dfs.fsyncFile' });
      await server.arm({ type: 'accessDenied', operation: 'dfs.rename' });
      const sink = {
        path: `oss://lake.cn-test.oss-dls.aliyuncs.com/${topic}`,
        endpoint: `http://${server.address}`,
        credentials: { accessKeyId: 'test-id', accessKeySecret: secret },
        jindosdk: { library },
      };
      return new TestJob({ brokers, topic, sections: { sink } });
    }

    test('its secret is in no log, no journal, no status and no log of JindoSDK', async () => {
      const job = await jobWith(SECRET);
      const end = await job.finish();
      expect(end.stdout + end.stderr).not.toContain(SECRET);
      expect(end.stderr, 'a line of the native log on the terminal').not.toMatch(
        /^[IWEF]\d{4} |^\[\d{4}-\d\d-\d\d /m,
      );
      const status = await job.status();
      expect(status.partitions.reduce((sum, { committedFiles }) => sum + committedFiles, 0)).toBeGreaterThan(
        0,
      );
      expect(JSON.stringify(status)).not.toContain(SECRET);
      expect(readdirSync(path.join(job.folder, '.tidemark')).sort()).toEqual(
        expect.arrayContaining(['_jindosdk', 'journal.db']),
      );
      expect(filesHolding(job.folder, SECRET)).toEqual([]);
    });

    test('a wrong key is reported without showing it, and says what to look at', async () => {
      const job = await jobWith(WRONG_SECRET);
      const end = await job.untilEnd();
      expectCode(end, 2);
      expect(end.stderr).toContain('STORE_AUTHENTICATION');
      expect(end.stdout + end.stderr).not.toContain(WRONG_SECRET);
      expect(filesHolding(job.folder, WRONG_SECRET)).toEqual([]);
    });
  });
});
