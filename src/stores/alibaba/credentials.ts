/** Credentials of the caller: an AccessKey, permanent or temporary, from the job file or the environment. */
import type { z } from 'zod';
import { secret, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { Secret } from '../../../kernels/schema/secret.ts';

export interface OssCredentials {
  readonly accessKeyId: Secret;
  readonly accessKeySecret: Secret;
  /** Token of temporary (STS) credentials. Null for a permanent key. */
  readonly securityToken: Secret | null;
}

export function credentialsSchema(context: SchemaContext) {
  const how = 'as it is or as { env: VARIABLE }';
  return map({
    accessKeyId: secret(context).meta({ description: `AccessKey ID, ${how}.` }),
    accessKeySecret: secret(context).meta({ description: `AccessKey secret, ${how}.` }),
    securityToken: secret(context)
      .optional()
      .meta({ description: `Token of temporary (STS) credentials, ${how}.` }),
  }).meta({
    description:
      'Access to OSS; without this key ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ' +
      'ALIBABA_CLOUD_SECURITY_TOKEN of the environment.',
  });
}

type ParsedCredentials = z.output<ReturnType<typeof credentialsSchema>>;

/** Taken from the job file if it has them, else from the environment. */
export function credentialsOf(
  parsed: ParsedCredentials | undefined,
  env: Environment,
): OssCredentials | null {
  if (parsed === undefined) return environmentCredentials(env);
  const { accessKeyId, accessKeySecret, securityToken } = parsed;
  return { accessKeyId, accessKeySecret, securityToken: securityToken ?? null };
}

type Environment = Readonly<Record<string, string | undefined>>;

const ACCESS_KEY_ID = 'ALIBABA_CLOUD_ACCESS_KEY_ID';
const ACCESS_KEY_SECRET = 'ALIBABA_CLOUD_ACCESS_KEY_SECRET';
const SECURITY_TOKEN = 'ALIBABA_CLOUD_SECURITY_TOKEN';

/**
 * Takes all three from one place, because a token belongs to its key. Null if the environment lacks a part of
 * the key.
 */
export function environmentCredentials(env: Environment): OssCredentials | null {
  const secretOf = (name: string): Secret | null => {
    const value = env[name] ?? '';
    return value === '' ? null : new Secret(value);
  };
  const [accessKeyId, accessKeySecret] = [secretOf(ACCESS_KEY_ID), secretOf(ACCESS_KEY_SECRET)];
  if (accessKeyId === null || accessKeySecret === null) return null;
  return { accessKeyId, accessKeySecret, securityToken: secretOf(SECURITY_TOKEN) };
}

export function missingCredentials(env: Environment): KeyProblem {
  const unset = [ACCESS_KEY_ID, ACCESS_KEY_SECRET].filter((name) => (env[name] ?? '') === '');
  return {
    key: ['credentials'],
    message:
      `is missing, and the environment does not set ${unset.join(' and ')}; expected both there, ` +
      'or sink.credentials: { accessKeyId: { env: VARIABLE }, accessKeySecret: { env: VARIABLE } }',
  };
}
