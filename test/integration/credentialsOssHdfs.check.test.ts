/** Keys that live three seconds, through JindoSDK: files outlive their keys, every record is there once. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Secret } from '../../kernels/schema/secret.ts';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { jindoSettings } from '../../src/stores/ossHdfs/settings.ts';
import { JindoReader } from '../conformance/store/jindoReader.ts';
import { describeJudge, find } from '../judges/judge.ts';
import { ownFolder } from '../servers/oss/fixture.ts';
import { describeIntegration } from '../services/integration.ts';
import {
  acrossAnOutage,
  acrossLives,
  expectNoSecret,
  expectWholeAndSilent,
  oidc,
  sceneOf,
  type Provider,
  type Scene,
} from './credentialScene.ts';
import { expectCode } from './testJob.ts';

const ENDPOINT = 'cn-test.oss-dls.aliyuncs.com';
const found = await find(() => fetchJindosdk(logToStderr));

const OTHERS: readonly [string, Provider][] = [
  ['ecs-ram-role', () => ({ provider: 'ecs-ram-role' })],
  ['uri', (keys) => ({ provider: 'uri', uri: `http://${keys.address}/keys` })],
];
const PROVIDERS: readonly (readonly [string, Provider])[] = [
  ['oidc', oidc],
  ...inTier({ test: [], check: [], full: OTHERS }),
];

describeJudge('keys that live three seconds, through OSS-HDFS', found, ({ library }) => {
  const scene = (provider: Provider): Promise<Scene> =>
    sceneOf(ENDPOINT, provider, { jindosdk: { library } });

  async function mirror({ oss, topic }: Scene): Promise<string> {
    const folder = await ownFolder();
    const [host = '', port] = oss.address.split(':');
    const permanent = { accessKeyId: new Secret('test-id'), accessKeySecret: new Secret('test-secret') };
    const settings = {
      ...{ ossBucket: 'lake', region: 'cn-test', logFolder: path.join(folder, 'log') },
      address: { host, port: Number(port), https: false, pathStyle: true },
      credentials: { ...permanent, securityToken: null },
    };
    const reader = await JindoReader.open(library, 'oss://lake/', jindoSettings(settings, folder));
    const lake = path.join(folder, 'lake');
    try {
      const uri = `oss://lake/${topic}`;
      for (const { path: name, length } of await reader.list(uri)) {
        mkdirSync(path.dirname(path.join(lake, name)), { recursive: true });
        writeFileSync(path.join(lake, name), await reader.read(`${uri}/${name}`, length));
      }
    } finally {
      await reader.close();
    }
    return lake;
  }

  describeIntegration('a run', () => {
    test.each(PROVIDERS)(
      'with the provider %s writes files across several lives',
      async (_name, provider) => {
        const own = await scene(provider);
        await expectWholeAndSilent(own, mirror, await acrossLives(own));
      },
    );

    if (inTier({ test: false, check: false, full: true }))
      test('waits while there are no keys, says so, and goes on', async () => {
        const own = await scene(oidc);
        await expectWholeAndSilent(own, mirror, await acrossAnOutage(own));
      });

    test('a role that does not exist ends it with 2, and its message says which', async () => {
      const own = await scene((keys, folder) => ({
        ...oidc(keys, folder),
        roleArn: 'acs:ram::12:role/nobody',
      }));
      const end = await own.start('--until-end').ended;
      expectCode(end, 2);
      expect(end.stderr).toContain(
        'STS says EntityNotExist.Role (The role not exists: acs:ram::12:role/nobody',
      );
      expectNoSecret(own, [end]);
    });
  });
});
