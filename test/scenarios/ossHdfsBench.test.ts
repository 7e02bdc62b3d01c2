import { expect, test } from 'vitest';
import { benchOssHdfs } from '../../bench/ossHdfs.ts';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { Secret } from '../../kernels/schema/secret.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { describeJudge, find } from '../judges/judge.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';

const found = await find(() => fetchJindosdk(logToStderr));

describeJudge('the bench of OSS-HDFS', found, ({ library }) => {
  test.each([1, 8])('writes and publishes its bytes in %i files, and measures', async (files) => {
    const folder = await ownFolder();
    const [host = '', port] = (await ownOssServerProcess(folder)).address.split(':');
    const figures = await benchOssHdfs({
      store: {
        ...{ ossBucket: 'lake', region: 'cn-test', library, callsMax: 3, log: silentLog, logFolder: folder },
        address: { host, port: Number(port), https: false, pathStyle: true },
        credentials: {
          accessKeyId: new Secret('test-id'),
          accessKeySecret: new Secret('test-secret'),
          securityToken: null,
        },
      },
      ...{ sinkUri: 'oss://lake/bench', totalBytes: 4_000_000, files },
    });
    expect(figures.bytes).toBe(4_000_000);
    expect(figures.seconds).toBeGreaterThan(0);
    expect(figures.loopDelayMaxMs).toBeGreaterThanOrEqual(figures.loopDelayP99Ms);
    expect(figures.peakMemoryMiB).toBeGreaterThan(0);
  });
});
