import { timingSafeEqual } from 'node:crypto';
import { OssError } from '../answer.ts';

export type Credential = {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Of temporary credentials: every request must carry it. */
  readonly securityToken?: string;
  /** Of temporary credentials: refused from then on, in milliseconds since 1970. For ever if omitted. */
  readonly expiresAtMs?: number;
};

const CLOCK_SKEW_MS_MAX = 15 * 60_000;

/** The key that a request names, with the token that it carries. */
export type GivenKey = { readonly accessKeyId: string; readonly securityToken: string | undefined };

/** The credential with that id. Throws 403 if there is none, the token does not match, or it has expired. */
export function credentialOf(
  credentials: readonly Credential[],
  { accessKeyId, securityToken }: GivenKey,
  nowMs: number,
): Credential {
  const found = credentials.find((one) => one.accessKeyId === accessKeyId);
  if (found === undefined) {
    throw new OssError(
      403,
      'InvalidAccessKeyId',
      'The OSS Access Key Id you provided does not exist in our records.',
      {
        OSSAccessKeyId: accessKeyId,
      },
    );
  }
  if (found.securityToken !== securityToken) {
    throw new OssError(403, 'InvalidSecurityToken', 'The security token you provided is invalid or missing.');
  }
  if (found.expiresAtMs !== undefined && nowMs >= found.expiresAtMs) {
    throw new OssError(403, 'SecurityTokenExpired', 'The security token you provided has expired.');
  }
  return found;
}

export function expectSignature(given: string, expected: string, stringToSign: string): void {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  if (a.length === b.length && timingSafeEqual(a, b)) return;
  throw new OssError(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. ' +
      'Check your key and signing method.',
    { SignatureProvided: given, StringToSign: stringToSign },
  );
}

export function expectRecent(atMs: number, nowMs: number): void {
  if (Math.abs(nowMs - atMs) <= CLOCK_SKEW_MS_MAX) return;
  throw new OssError(
    403,
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
  );
}
