import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Secret } from '../../../../kernels/schema/secret.ts';
import { openJindoKeys, type JindoKeys } from '../../../../src/stores/ossHdfs/jindoKeys.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { noConditions } from '../../../../src/telemetry/conditions.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';
import { KeyServer } from '../../../servers/keys/keyServer.ts';

let server: KeyServer;
let folder: string;
let keys: JindoKeys;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-keys-'));
  server = await KeyServer.start({ lifeMs: 2_000 });
  keys = await openJindoKeys(
    { provider: 'uri', uri: new Secret(`http://${server.address}/keys`) },
    { log: silentLog, clock: systemClock, conditions: noConditions, ownFolder: path.join(folder, 'keys') },
  );
});
afterEach(async () => {
  await keys.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

const content = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(keys.folder).map((name) => [name, readFileSync(path.join(keys.folder, name), 'utf8')]),
  );

test('keys are in files for this user alone, before anybody has them, and gone at the end', async () => {
  expect(content()).toEqual({});
  await keys.keys();
  expect(content()).toEqual({
    AccessKeyId: 'STS.id-1',
    AccessKeySecret: 'sts-secret-1-of-many',
    SecurityToken: 'sts-token-1-of-many',
  });
  const names = readdirSync(keys.folder).map((name) => path.join(keys.folder, name));
  for (const place of [keys.folder, ...names]) expect(statSync(place).mode & 0o077, place).toBe(0);
  await server.gave(3);
  expect((await keys.keys()).accessKeyId.reveal()).not.toBe('STS.id-1');
  expect(content()['AccessKeyId']).not.toBe('STS.id-1');
  await keys.close();
  expect(existsSync(keys.folder)).toBe(false);
});
