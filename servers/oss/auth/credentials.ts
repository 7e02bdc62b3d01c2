import { timingSafeEqual } from 'node:crypto';
import { OssError } from '../answer.ts';

export type Credential = {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Of temporary credentials: every request must carry it. */
  readonly securityToken?: string;
};

const CLOCK_SKEW_MS_MAX = 15 * 60_000;

/** The credential with that id. Throws 403 if there is none or the token does not match. */
export function credentialOf(
  credentials: readonly Credential[],
  accessKeyId: string,
  securityToken: string | undefined,
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
