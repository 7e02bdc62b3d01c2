/** Credentials of the caller: an AccessKey, permanent or temporary. */
import type { KeyProblem } from '../../../kernels/schema/parts.ts';
import { Secret } from '../../../kernels/schema/secret.ts';

export interface OssCredentials {
  readonly accessKeyId: Secret;
  readonly accessKeySecret: Secret;
  /** Token of temporary (STS) credentials. Null for a permanent key. */
  readonly securityToken: Secret | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

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

/** Empty if the environment sets a whole key. */
export function missingFromEnvironment(env: Environment): KeyProblem[] {
  const unset = [ACCESS_KEY_ID, ACCESS_KEY_SECRET].filter((name) => (env[name] ?? '') === '');
  if (unset.length === 0) return [];
  const message =
    `is missing, and the environment does not set ${unset.join(' and ')}; expected both there, ` +
    'or sink.credentials: { accessKeyId: { env: VARIABLE }, accessKeySecret: { env: VARIABLE } }';
  return [{ key: ['credentials'], message }];
}
