import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { effectiveConfig } from '../../../src/config/effectiveConfig.ts';
import { credentialsText, type CredentialsConfig } from '../../../src/stores/alibaba/credentialKeys.ts';
import { OSS_HDFS_STORE, type OssHdfsSinkConfig } from '../../../src/stores/ossHdfs/kind.ts';
import { loadText, problemsOfText } from './jobFiles.ts';

const ROLE = 'acs:ram::1234:role/lake';
const PROVIDER = 'acs:ram::1234:oidc-provider/ack';
type Env = Readonly<Record<string, string>>;

let folder: string;
let token: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-credentials-'));
  token = path.join(folder, 'token');
  writeFileSync(token, 'hunter1');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const jobWith = (credentials: string): string =>
  'job: clicks\nsource:\n  kafka: { brokers: [127.0.0.1:9092], topics: [clicks] }\nsink:\n' +
  `  path: oss://lake.cn-hangzhou.oss-dls.aliyuncs.com/clicks\n  credentials: ${credentials}\n`;

const sinkOf = (credentials: string, env: Env = {}): OssHdfsSinkConfig =>
  loadText(jobWith(credentials), { env }).sink as OssHdfsSinkConfig;
const credentialsOf = (credentials: string, env: Env = {}): CredentialsConfig =>
  sinkOf(credentials, env).credentials;

const problems = (credentials: string, env: Env = {}): readonly string[] =>
  problemsOfText(jobWith(credentials), { env }).map((told) => told.replace(/^job.yaml:\d+:\d+ /, ''));

describe('a provider', () => {
  test('of a pod with RRSA needs no other key', () => {
    const env = {
      ALIBABA_CLOUD_ROLE_ARN: ROLE,
      ALIBABA_CLOUD_OIDC_PROVIDER_ARN: PROVIDER,
      ALIBABA_CLOUD_OIDC_TOKEN_FILE: token,
      ALIBABA_CLOUD_STS_REGION: 'cn-x',
      ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED: 'true',
    };
    const oidc = {
      ...{ provider: 'oidc', roleArn: ROLE, oidcProviderArn: PROVIDER, oidcTokenFile: token },
      ...{ roleSessionName: 'tidemark', stsEndpoint: 'sts-vpc.cn-x.aliyuncs.com' },
    };
    expect(credentialsOf('{ provider: oidc }', env)).toEqual(oidc);
    expect(credentialsOf('{ provider: oidc, stsEndpoint: 10.0.0.1:8443 }', env)).toEqual({
      ...oidc,
      stsEndpoint: '10.0.0.1:8443',
    });
    const named = { ...env, ALIBABA_CLOUD_STS_ENDPOINT: 'https://sts.example' };
    expect(credentialsOf('{ provider: oidc }', named)).toMatchObject({ stsEndpoint: 'sts.example' });
    expect(credentialsOf('{ provider: default }', { ...env, HOME: folder })).toMatchObject({
      chain: [oidc, { provider: 'cli' }, { provider: 'profile' }, { provider: 'ecs-ram-role' }],
    });
  });

  test('that is left out is the environment, as before', () => {
    const env = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'hunter2' };
    expect(credentialsOf('{ provider: env }', env)).not.toHaveProperty('provider');
    expect(problems('{ provider: env }')[0]).toMatch(/^sink.credentials: is missing, and the environment/);
    const disabled = {
      ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'TRUE',
      ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true',
    };
    expect(credentialsOf('{ provider: default }', { ...env, ...disabled })).toMatchObject({
      chain: [{ provider: 'env' }],
    });
  });

  test.each<[string, Env, string, string]>([
    ['{ provider: ecs-ram-role }', {}, 'ecs-ram-role', 'the role of this machine'],
    ['{ provider: ecs-ram-role }', { ALIBABA_CLOUD_ECS_METADATA: 'r' }, 'ecs-ram-role', 'r'],
    ['{ provider: uri, uri: "http://127.0.0.1:9/hunter1" }', {}, 'uri', '127.0.0.1:9'],
    ['{ provider: uri, uri: { env: X } }', { X: 'https://keys/hunter1' }, 'uri', 'keys'],
    ['{ provider: uri }', { ALIBABA_CLOUD_CREDENTIALS_URI: 'http://k/hunter1' }, 'uri', 'k'],
  ])('%s with %j is shown by validate, and nothing secret', (keys, env, name, told) => {
    const sink = sinkOf(keys, env);
    const text = `provider ${name} (${told})`;
    expect(credentialsText(sink.credentials)).toBe(text);
    expect(OSS_HDFS_STORE.describe(sink)).toContain(text);
    expect(OSS_HDFS_STORE.facts(sink)).toMatchObject({ credentials: text });
    const config = loadText(jobWith(keys), { env });
    for (const shown of [inspect(config, { depth: 9 }), JSON.stringify(effectiveConfig(config))])
      expect(shown).not.toContain('hunter');
  });
});

describe('what is wrong is told at its key', () => {
  test.each<[string, Env, readonly string[]]>([
    [
      '{ provider: ram }',
      {},
      [
        'sink.credentials.provider: "ram" is unknown; ' +
          'expected default, env, profile, ecs-ram-role, oidc or uri',
      ],
    ],
    [
      '{ provider: oidc }',
      {},
      ['roleArn: ROLE_ARN', 'oidcProviderArn: OIDC_PROVIDER_ARN', 'oidcTokenFile: OIDC_TOKEN_FILE'].map(
        (line) => {
          const [key = '', variable = ''] = line.split(': ');
          return (
            `sink.credentials.${key}: is missing, and the environment does not set ` +
            `ALIBABA_CLOUD_${variable}; expected one of the two`
          );
        },
      ),
    ],
    [
      `{ provider: oidc, roleArn: "${ROLE}", oidcProviderArn: "${PROVIDER}" }`,
      { ALIBABA_CLOUD_OIDC_TOKEN_FILE: '/none/token' },
      [
        'sink.credentials.oidcTokenFile: (ALIBABA_CLOUD_OIDC_TOKEN_FILE) names /none/token, which ' +
          'cannot be read; expected a readable file',
      ],
    ],
    [
      '{ provider: uri }',
      { ALIBABA_CLOUD_CREDENTIALS_URI: 'hunter1' },
      [expect.stringMatching(/ALIBABA_CLOUD_CREDENTIALS_URI of the environment is no http/) as never],
    ],
    ['{ provider: uri, uri: hunter1 }', {}, [expect.stringMatching(/credentials.uri: is no http/) as never]],
    [
      '{ provider: profile }',
      { HOME: '/none' },
      [expect.stringMatching(/names \/none\/.alibabacloud\/credentials, which cannot be read/) as never],
    ],
    ['{ provider: profile }', {}, [expect.stringMatching(/this user has no home folder/) as never]],
    [
      '{ provider: ecs-ram-role, roleArn: "acs:ram::1:role/x", accessKeyId: hunter1 }',
      {},
      [
        expect.stringMatching(
          /roleArn: belongs to the provider oidc, and the provider is ecs-ram-role/,
        ) as never,
        expect.stringMatching(/accessKeyId: is a key of its own, and the provider is ecs-ram-role/) as never,
      ],
    ],
    [
      '{ roleName: lake }',
      {},
      [
        'sink.credentials.roleName: belongs to the provider ecs-ram-role, and there is none; ' +
          'expected sink.credentials.provider, too',
      ],
    ],
  ])('%s with %j', (credentials, env, told) => {
    const found = problems(credentials, env);
    expect(found).toEqual(told);
    expect(found.join('')).not.toContain('hunter');
  });
});
