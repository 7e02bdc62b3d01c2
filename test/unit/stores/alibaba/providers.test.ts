/** Alibaba's library against servers of the test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../../kernels/schema/secret.ts';
import type { ProviderConfig } from '../../../../src/stores/alibaba/providerConfig.ts';
import { askerOf } from '../../../../src/stores/alibaba/providers.ts';
import { StoreFailure } from '../../../../src/stores/failure.ts';
import { KeyServer, PROVIDER_ARN, ROLE, ROLE_ARN } from '../../../servers/keys/keyServer.ts';
import { reroute } from '../../../servers/keys/reroute.ts';

const STS = 'sts.cn-test.aliyuncs.com';
const LIFE_MS = 3_000;
const OIDC_TOKEN = 'oidc-token-that-nobody-sees';

let server: KeyServer;
let folder: string;
let routeBack: () => void;
beforeEach(async () => {
  server = await KeyServer.start({ lifeMs: LIFE_MS });
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-providers-'));
  routeBack = reroute({ '100.100.100.200:80': server.address, [`${STS}:443`]: server.address });
});
afterEach(async () => {
  routeBack();
  rmSync(folder, { recursive: true });
  await server.stop();
});

function fileOf(name: string, content: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

const oidc = (change: object = {}): ProviderConfig => ({
  ...{ provider: 'oidc', roleArn: ROLE_ARN, oidcProviderArn: PROVIDER_ARN, roleSessionName: 'tidemark' },
  ...{ oidcTokenFile: fileOf('token', OIDC_TOKEN), stsEndpoint: STS },
  ...change,
});
const uri = (address = server.address): ProviderConfig => ({
  provider: 'uri',
  uri: new Secret(`http://${address}/keys`),
});
const ecs: ProviderConfig = { provider: 'ecs-ram-role', roleName: null };
const profile = (content: string, name = 'default'): ProviderConfig => ({
  ...{ provider: 'profile', file: fileOf('credentials', content), profile: name, stsEndpoint: STS },
});
const ASSUMING =
  '[default]\ntype = ram_role_arn\naccess_key_id = ram-id\naccess_key_secret = ram-secret\n' +
  `role_arn = ${ROLE_ARN}\n`;

async function failing(config: ProviderConfig): Promise<StoreFailure> {
  const failure = await askerOf(config)().then(
    () => null,
    (error: unknown) => error,
  );
  if (!(failure instanceof StoreFailure)) throw new Error(`it did not fail: ${String(failure)}`);
  return failure;
}

describe('new keys, each time anew, with when they end', () => {
  test.each([
    ['oidc', () => oidc()],
    ['uri', () => uri()],
    ['ecs-ram-role, whose role is asked for', () => ecs],
    ['ecs-ram-role with a name', () => ({ ...ecs, roleName: ROLE })],
    ['profile that assumes a role', () => profile(ASSUMING)],
    ['profile of an instance', () => profile(`[default]\ntype=ecs_ram_role\nrole_name=${ROLE}\n`)],
  ] as const)('%s', async (_name, config: () => ProviderConfig) => {
    const ask = askerOf(config());
    for (const number of [1, 2, 3]) {
      const { credentials, expiresAtMs } = await ask();
      const { accessKeyId, accessKeySecret, securityToken } = credentials;
      expect(accessKeyId.reveal()).toBe(`STS.id-${number}`);
      expect(accessKeySecret.reveal()).toBe(`sts-secret-${number}-of-many`);
      expect(securityToken?.reveal()).toBe(`sts-token-${number}-of-many`);
      expect(expiresAtMs).toBe(server.issued[number - 1]?.expiresAtMs);
    }
  });

  test('an instance without sessions of its metadata server gives them, too', async () => {
    server.hasSessions = false;
    expect((await askerOf(ecs)()).credentials.accessKeyId.reveal()).toBe('STS.id-1');
  });

  test('the OIDC token is read from its file each time', async () => {
    const config = oidc();
    const ask = askerOf(config);
    await ask();
    fileOf('token', 'the-next-one');
    await ask();
    expect(server.forms.map((form) => form.get('OIDCToken'))).toEqual([OIDC_TOKEN, 'the-next-one']);
    expect(server.forms[0]?.get('OIDCProviderArn')).toBe(PROVIDER_ARN);
  });

  test('a profile with an access key gives it as it is, and reads it anew', async () => {
    const key = (id: string): string =>
      '; mine\n[other]\ntype=x\n[mine]\ntype = access_key\n' +
      `access_key_id = "${id}"\naccess_key_secret = s=1\n`;
    const ask = askerOf(profile(key('a'), 'mine'));
    const { credentials, ...ends } = await ask();
    expect(ends).toEqual({ expiresAtMs: null, askAgainAfterMs: null });
    expect(credentials.accessKeySecret.reveal()).toBe('s=1');
    fileOf('credentials', key('b'));
    expect((await ask()).credentials.accessKeyId.reveal()).toBe('b');
  });

  test('the default chain stays with the first that gives keys', async () => {
    const missing = oidc({ oidcTokenFile: path.join(folder, 'none') });
    const chain = [missing, uri(), ecs] as never;
    const ask = askerOf({ provider: 'default', chain });
    await ask();
    server.refusal = { status: 500, body: '' };
    await expect(ask()).rejects.toThrow('provider uri: it answers 500');
    server.refusal = null;
    expect((await ask()).credentials.accessKeyId.reveal()).toBe('STS.id-2');
    expect(server.asked).toEqual(['GET /keys', 'GET /keys', 'GET /keys']);
  });
});

describe('a refusal, which does not go away by itself', () => {
  test.each([
    ['oidc', () => oidc({ roleArn: 'acs:ram::1:role/none' }), 'STS says EntityNotExist.Role (The role not'],
    ['oidc', () => oidc({ oidcTokenFile: '/none/token' }), '/none/token cannot be read (ENOENT)'],
    ['ecs-ram-role', () => ({ ...ecs, roleName: 'other' }), 'it answers 403 (does the machine have'],
    ['profile', () => profile('[other]\ntype=access_key'), 'has no section [default]'],
    ['profile', () => profile('[default]\ntype=access_key\naccess_key_id=x'), 'lacks access_key_secret'],
  ])('%s: %#', async (_name, config, told) => {
    const failure = await failing(config());
    expect(failure.message).toContain(told);
    expect(failure.problem).toBe('refused');
  });
});

describe('what may go away', () => {
  const DOWN = '127.0.0.1:1';
  test.each([
    ['no answer', null, () => uri(DOWN), 'no answer (ECONNREFUSED)'],
    ['500', { status: 500, body: 'x' }, () => uri(), 'it answers 500'],
    ['no JSON', { status: 200, body: 'sts-secret-x' }, () => uri(), 'its answer cannot be used'],
    [
      'throttled',
      { status: 400, body: '{"Code":"Throttling.User","Message":"slow down"}' },
      () => oidc(),
      'STS says Throttling.User (slow down)',
    ],
    [
      'half of the keys',
      { status: 200, body: '{"AccessKeyId":"i","AccessKeySecret":"sts-secret-x"}' },
      () => uri(),
      'its answer cannot be used',
    ],
    [
      'no end',
      { status: 200, body: '{"AccessKeyId":"i","AccessKeySecret":"sts-secret-x","SecurityToken":"t"}' },
      () => uri(),
      'does not say when the keys end',
    ],
  ])('%s', async (_name, refusal, config, told) => {
    server.refusal = refusal;
    const failure = await failing(config());
    expect(failure.message).toContain(told);
    expect(failure.problem).toBe('unavailable');
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toMatch(/sts-secret|oidc-token-that/);
  });
});
