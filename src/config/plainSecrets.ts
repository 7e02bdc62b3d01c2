/** Warns of a job file that holds a secret and that everybody on the machine may read. */
import { statSync } from 'node:fs';

/** Keys whose values are secrets, at any depth. */
export const SECRET_KEYS: readonly string[] = [
  'password',
  'clientSecret',
  'nkey',
  'token',
  'accessKeyId',
  'accessKeySecret',
  'securityToken',
  'uri',
];

const READABLE_BY_OTHERS = 0o004;

/**
 * `data` is the content of the file, without the overrides of the command line. Null if there is nothing to
 * warn of.
 */
export function plainSecretWarning(shown: string, file: string, data: unknown): string | null {
  if (process.platform === 'win32' || !holdsSecret(data)) return null;
  if ((statSync(file).mode & READABLE_BY_OTHERS) === 0) return null;
  return (
    `${shown} holds a secret, and every user of this machine may read it: chmod 600 ${shown}, ` +
    'or name an environment variable instead: { env: VARIABLE }'
  );
}

function holdsSecret(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false;
  return Object.entries(data).some(
    ([key, value]) => (SECRET_KEYS.includes(key) && typeof value === 'string') || holdsSecret(value),
  );
}
