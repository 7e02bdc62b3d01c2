/** What JindoSDK does to the machine that it runs on. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fetchJindosdk } from '../../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../../scripts/services/common.ts';
import { Secret } from '../../../src/config/secret.ts';
import { openOssHdfsStore } from '../../../src/stores/ossHdfs.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { describeJudge, find } from '../../judges/judge.ts';
import { ownFolder, ownOssServerProcess } from '../../ossServer/fixture.ts';

const WRITABLE_BY_OTHERS = 0o002;
const found = await find(() => fetchJindosdk(logToStderr));

describeJudge('the OSS-HDFS store', found, ({ library }) => {
  test('makes no folder for its log that others may write to', async () => {
    const folder = await ownFolder();
    const server = await ownOssServerProcess(await ownFolder());
    const [host = '', port] = server.address.split(':');
    const logFolder = path.join(folder, '.tidemark', 'jindosdk');
    const store = await openOssHdfsStore({
      ossBucket: 'lake',
      region: 'cn-test',
      address: { host, port: Number(port), https: false, pathStyle: true },
      credentials: {
        accessKeyId: new Secret('test-id'),
        accessKeySecret: new Secret('test-secret'),
        securityToken: null,
      },
      logFolder,
      library,
      callsMax: 2,
      log: silentLog,
    });
    expect(await store.readMarker('oss://lake/t', 'clicks')).toBeNull();
    await store.close();
    for (const made of [path.dirname(logFolder), logFolder])
      expect((await stat(made)).mode & WRITABLE_BY_OTHERS, made).toBe(0);
  });
});
