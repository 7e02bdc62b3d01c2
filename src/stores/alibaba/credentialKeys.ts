/** The keys below `sink.credentials`, and what they come to. */
import { z } from 'zod';
import { existingFile, secret, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { eitherOf, map, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { expecting, matchingText } from '../../../kernels/schema/values.ts';
import { environmentCredentials, type Environment, type OssCredentials } from './credentials.ts';
import {
  credentialProblems,
  isHttpUrl,
  NO_URL,
  providerConfig,
  PROVIDERS,
  providerText,
  type ProviderConfig,
} from './providerConfig.ts';

/** Keys that stay, or where keys are asked for again and again. */
export type CredentialsConfig = OssCredentials | ProviderConfig;

export function isProvider(config: CredentialsConfig): config is ProviderConfig {
  return 'provider' in config;
}

export function credentialsSchema(context: SchemaContext) {
  const how = 'as it is or as { env: VARIABLE }';
  return map({
    provider: z
      .enum(PROVIDERS, { error: expecting(eitherOf(PROVIDERS)) })
      .optional()
      .meta({ description: 'Who gives the keys, and gives new ones before they end: docs/credentials.md.' }),
    accessKeyId: secret(context)
      .optional()
      .meta({ description: `AccessKey ID, ${how}; without a provider.` }),
    accessKeySecret: secret(context)
      .optional()
      .meta({ description: `AccessKey secret, ${how}; without a provider.` }),
    securityToken: secret(context)
      .optional()
      .meta({ description: `Token of temporary (STS) credentials, ${how}; nothing refreshes it.` }),
    ...providerKeys(context),
  }).meta({
    description:
      'Access to OSS; without this key ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ' +
      'ALIBABA_CLOUD_SECURITY_TOKEN of the environment.',
  });
}

function providerKeys(context: SchemaContext) {
  const or = (variable: string): string => `; without it ${variable} of the environment.`;
  const arn = (kind: string, pattern: RegExp) => matchingText(`an ARN, like acs:ram::1234:${kind}`, pattern);
  return {
    profile: matchingText('the name of a profile', /^[^\s[\]]+$/)
      .optional()
      .meta({
        description: `profile: section of the file${or('ALIBABA_CLOUD_PROFILE')} Default "default".`,
      }),
    profileFile: existingFile(context, "a file of profiles, as Alibaba's SDKs read it")
      .optional()
      .meta({
        description:
          `profile: the file${or('ALIBABA_CLOUD_CREDENTIALS_FILE')} ` +
          'Default ~/.alibabacloud/credentials.',
      }),
    roleName: matchingText('the name of a RAM role', /^[\w.@-]+$/)
      .optional()
      .meta({
        description:
          `ecs-ram-role: RAM role of the instance${or('ALIBABA_CLOUD_ECS_METADATA')} ` +
          'Without either the instance is asked.',
      }),
    roleArn: arn('role/name', /^acs:ram:[\w-]*:\d+:role\/[\w./@-]+$/)
      .optional()
      .meta({ description: `oidc: role that is assumed${or('ALIBABA_CLOUD_ROLE_ARN')}` }),
    oidcProviderArn: arn('oidc-provider/name', /^acs:ram:[\w-]*:\d+:oidc-provider\/[\w./@-]+$/)
      .optional()
      .meta({ description: `oidc: provider of the token${or('ALIBABA_CLOUD_OIDC_PROVIDER_ARN')}` }),
    oidcTokenFile: existingFile(context, 'a file that holds an OIDC token')
      .optional()
      .meta({
        description: `oidc: file of the token, read each time${or('ALIBABA_CLOUD_OIDC_TOKEN_FILE')}`,
      }),
    roleSessionName: matchingText('2 to 64 letters, digits and .@-_', /^[\w.@-]{2,64}$/)
      .optional()
      .meta({
        description: `oidc: name of the session${or('ALIBABA_CLOUD_ROLE_SESSION_NAME')} Default tidemark.`,
      }),
    stsEndpoint: matchingText('a host or host:port, like sts.cn-hangzhou.aliyuncs.com', /^[\w.-]+(:\d+)?$/)
      .optional()
      .meta({
        description:
          'oidc, and a profile that assumes a role: host of STS, reached by https; without it ' +
          'ALIBABA_CLOUD_STS_ENDPOINT, sts.<region>.aliyuncs.com of ALIBABA_CLOUD_STS_REGION, ' +
          'or sts.aliyuncs.com.',
      }),
    uri: secret(context)
      .refine((value) => isHttpUrl(value.reveal()), { error: NO_URL })
      .optional()
      .meta({
        description:
          'uri: URL that gives the keys as JSON, as it is or as { env: VARIABLE }' +
          or('ALIBABA_CLOUD_CREDENTIALS_URI'),
      }),
  };
}

/** Of what is given; what is missing is told only where the destination needs it. */
export function ownCredentialProblems(
  value: unknown,
  context: SchemaContext,
  isNeeded: boolean,
): KeyProblem[] {
  return value === undefined && !isNeeded ? [] : credentialProblems(value, context);
}

type ParsedCredentials = z.output<ReturnType<typeof credentialsSchema>>;

/** Taken from the job file if it has them, else from the environment. Null if something is missing. */
export function credentialsOf(
  parsed: ParsedCredentials | undefined,
  env: Environment,
): CredentialsConfig | null {
  if (parsed === undefined || parsed.provider === 'env') return environmentCredentials(env);
  if (parsed.provider !== undefined) return providerConfig(parsed.provider, parsed, env);
  const { accessKeyId, accessKeySecret, securityToken } = parsed;
  if (accessKeyId === undefined || accessKeySecret === undefined) return null;
  return { accessKeyId, accessKeySecret, securityToken: securityToken ?? null };
}

/** For people, without any secret. */
export function credentialsText(config: CredentialsConfig): string {
  if (isProvider(config)) return providerText(config);
  return config.securityToken === null ? 'an AccessKey' : 'an AccessKey with a security token';
}
