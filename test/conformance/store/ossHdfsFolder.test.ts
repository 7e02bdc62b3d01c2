/** What JindoSDK does to the machine that it runs on. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { partId } from '../../../journal/ids.ts';
import { fetchJindosdk } from '../../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../../scripts/services/common.ts';
import { Secret } from '../../../kernels/schema/secret.ts';
import { openOssHdfsStore } from '../../../src/stores/ossHdfs/store.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { describeJudge, find } from '../../judges/judge.ts';
import { ownFolder, ownOssServerProcess } from '../../servers/oss/fixture.ts';

const WRITABLE_BY_OTHERS = 0o002;
const READABLE_BY_OTHERS = 0o077;
const found = await find(() => fetchJindosdk(logToStderr));

describeJudge('the OSS-HDFS store', found, ({ library }) => {
  test('leaves its log and what is not flushed to nobody else', async () => {
    const folder = await ownFolder();
    const server = await ownOssServerProcess(await ownFolder());
    const [host = '', port] = server.address.split(':');
    const logFolder = path.join(folder, '.tidemark', '_jindosdk');
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
    const target = { partId: '1', finalUri: 'oss://lake/t/a', temporaryUri: 'oss://lake/t/.a' };
    const file = await store.create({ ...target, partId: partId('1'.repeat(32)) });
    await file.write(Buffer.alloc(100_000, 'not flushed\n'));
    const [own = '', ...others] = await readdir(path.join(logFolder, 'unflushed'));
    expect(others).toEqual([]);
    const unflushed = path.join(logFolder, 'unflushed', own);
    expect(await readdir(unflushed)).not.toEqual([]);
    expect((await stat(unflushed)).mode & READABLE_BY_OTHERS).toBe(0);
    await file.abandon();
    await store.close();
    for (const made of [path.dirname(logFolder), logFolder])
      expect((await stat(made)).mode & WRITABLE_BY_OTHERS, made).toBe(0);
  });
});
