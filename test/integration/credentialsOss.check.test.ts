/** Keys that live three seconds, on plain OSS: uploads outlive their keys, every record is there once. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'vitest';
import { ownFolder } from '../servers/oss/fixture.ts';
import { aliOss } from '../servers/oss/testClient.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { describeIntegration } from '../services/integration.ts';
import {
  acrossAnOutage,
  acrossLives,
  expectWholeAndSilent,
  oidc,
  sceneOf,
  type Scene,
} from './credentialScene.ts';

const ENDPOINT = 'oss-cn-test.aliyuncs.com';

async function mirror({ oss, topic }: Scene): Promise<string> {
  const lake = path.join(await ownFolder(), 'lake');
  const client = aliOss(oss.address);
  const { objects } = await client.list({ prefix: `${topic}/`, 'max-keys': 1_000 }, {});
  for (const { name } of objects) {
    const file = path.join(lake, name.slice(topic.length + 1));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, (await client.get(name)).content as Buffer);
  }
  return lake;
}

describeIntegration('a run on plain OSS whose keys live three seconds', () => {
  test('writes files across several lives', async () => {
    const scene = await sceneOf(ENDPOINT, () => ({ provider: 'ecs-ram-role' }));
    await expectWholeAndSilent(scene, mirror, await acrossLives(scene));
  });

  if (inTier({ test: false, check: false, full: true }))
    test('waits while there are no keys, says so, and goes on', async () => {
      const scene = await sceneOf(ENDPOINT, oidc);
      await expectWholeAndSilent(scene, mirror, await acrossAnOutage(scene));
    });
});
