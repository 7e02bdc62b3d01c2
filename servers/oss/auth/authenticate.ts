import { OssError } from '../answer.ts';
import type { OssRequest } from '../request.ts';
import { type Credential, credentialOf, expectRecent, expectSignature } from './credentials.ts';
import { signatureV1, stringToSignV1 } from './signatureV1.ts';
import { scopeOf, signatureV4, stringToSignV4 } from './signatureV4.ts';

/**
 * Throws 403 unless the request is signed with one of the credentials: V1 or V4, in headers or in the URL.
 */
export function authenticate(request: OssRequest, credentials: readonly Credential[], nowMs: number): void {
  const { headers, query } = request;
  const authorization = headers['authorization'] ?? '';
  if (authorization.startsWith('OSS4-HMAC-SHA256 ')) headerV4(request, authorization, credentials, nowMs);
  else if (authorization.startsWith('OSS ')) headerV1(request, authorization, credentials, nowMs);
  else if (query.has('x-oss-signature')) urlV4(request, credentials, nowMs);
  else if (query.has('OSSAccessKeyId')) urlV1(request, credentials, nowMs);
  else throw new OssError(403, 'AccessDenied', 'Anonymous access is forbidden for this operation.');
}

function headerV1(
  request: OssRequest,
  authorization: string,
  credentials: readonly Credential[],
  nowMs: number,
): void {
  const [, id = '', signature = ''] = /^OSS ([^:]*):(.*)$/.exec(authorization) ?? [];
  const { headers } = request;
  const credential = credentialOf(
    credentials,
    { accessKeyId: id, securityToken: headers['x-oss-security-token'] },
    nowMs,
  );
  const date = headers['x-oss-date'] ?? headers['date'] ?? '';
  const stringToSign = stringToSignV1(request, date);
  expectSignature(signature, signatureV1(credential.accessKeySecret, stringToSign), stringToSign);
  expectRecent(Date.parse(date), nowMs);
}

function urlV1(request: OssRequest, credentials: readonly Credential[], nowMs: number): void {
  const { query } = request;
  const expires = query.get('Expires') ?? '';
  const credential = credentialOf(
    credentials,
    { accessKeyId: query.get('OSSAccessKeyId') ?? '', securityToken: query.get('security-token') },
    nowMs,
  );
  const stringToSign = stringToSignV1(request, expires);
  expectSignature(
    query.get('Signature') ?? '',
    signatureV1(credential.accessKeySecret, stringToSign),
    stringToSign,
  );
  if (!(Number(expires) * 1000 >= nowMs)) throw new OssError(403, 'AccessDenied', 'Request has expired.');
}

function headerV4(
  request: OssRequest,
  authorization: string,
  credentials: readonly Credential[],
  nowMs: number,
): void {
  const fields = new Map(
    authorization
      .slice('OSS4-HMAC-SHA256 '.length)
      .split(',')
      .map((field) => field.trim().split('=', 2) as [string, string]),
  );
  const at = request.headers['x-oss-date'] ?? request.headers['date'] ?? '';
  checkV4(request, credentials, {
    credential: fields.get('Credential') ?? '',
    signature: fields.get('Signature') ?? '',
    additionalHeaders: namesOf(fields.get('AdditionalHeaders')),
    at,
    token: request.headers['x-oss-security-token'],
    unsignedQuery: [],
    nowMs,
  });
  expectRecent(timeOfV4(at), nowMs);
}

function urlV4(request: OssRequest, credentials: readonly Credential[], nowMs: number): void {
  const { query } = request;
  const at = query.get('x-oss-date') ?? '';
  checkV4(request, credentials, {
    credential: query.get('x-oss-credential') ?? '',
    signature: query.get('x-oss-signature') ?? '',
    additionalHeaders: namesOf(query.get('x-oss-additional-headers')),
    at,
    token: query.get('x-oss-security-token'),
    unsignedQuery: ['x-oss-signature'],
    nowMs,
  });
  const expiresMs = timeOfV4(at) + Number(query.get('x-oss-expires')) * 1000;
  if (!(expiresMs >= nowMs)) throw new OssError(403, 'AccessDenied', 'Request has expired.');
}

type GivenV4 = {
  readonly credential: string;
  readonly signature: string;
  readonly additionalHeaders: readonly string[];
  readonly at: string;
  readonly token: string | undefined;
  readonly unsignedQuery: readonly string[];
  readonly nowMs: number;
};

function checkV4(request: OssRequest, credentials: readonly Credential[], given: GivenV4): void {
  const scope = scopeOf(given.credential);
  if (scope === undefined || !given.at.startsWith(scope.day)) {
    throw new OssError(
      400,
      'InvalidArgument',
      `not a credential of signature version 4: ${given.credential}`,
    );
  }
  const credential = credentialOf(
    credentials,
    { accessKeyId: scope.accessKeyId, securityToken: given.token },
    given.nowMs,
  );
  const stringToSign = stringToSignV4(request, scope, given.at, given.additionalHeaders, given.unsignedQuery);
  expectSignature(
    given.signature,
    signatureV4(credential.accessKeySecret, scope, stringToSign),
    stringToSign,
  );
}

function namesOf(list: string | undefined): string[] {
  return list === undefined || list === '' ? [] : list.split(';').map((name) => name.toLowerCase());
}

/** yyyymmddThhmmssZ */
function timeOfV4(at: string): number {
  return Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
