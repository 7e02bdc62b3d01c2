import { createHmac } from 'node:crypto';
import type { OssRequest } from '../request.ts';

/** The signed parts of a request. */
export type SignedRequest = Omit<OssRequest, 'body'>;

/** The signed query parameters: sub-resources and response overrides. */
const SIGNED_QUERY = new Set(
  (
    'acl uploads location cors logging website referer lifecycle delete append tagging objectMeta ' +
    'uploadId partNumber security-token position img style styleName replication replicationProgress ' +
    'replicationLocation cname bucketInfo comp qos live status vod startTime endTime symlink ' +
    'x-oss-process x-oss-request-payer x-oss-traffic-limit response-content-type ' +
    'response-content-language response-expires response-cache-control response-content-disposition ' +
    'response-content-encoding udf udfName udfImage udfId udfImageDesc udfApplication ' +
    'udfApplicationLog restore callback callback-var qosInfo policy stat encryption versions ' +
    'versioning versionId requestPayment x-oss-ac-source-ip x-oss-ac-subnet-mask x-oss-ac-vpc-id ' +
    'x-oss-ac-forward-allow inventory inventoryId continuation-token asyncFetch worm wormId wormExtend ' +
    'withHashContext x-oss-enable-md5 x-oss-enable-sha1 x-oss-enable-sha256 x-oss-hash-ctx ' +
    'x-oss-md5-ctx transferAcceleration regionList cloudboxes x-oss-ac-source-ip callback dfs ' +
    'dfssecurity dfsadmin copy'
  ).split(' '),
);

/** `at` is the Date header, or Expires of a signed URL. */
export function stringToSignV1(request: SignedRequest, at: string): string {
  const { method, headers } = request;
  const ossHeaders = Object.keys(headers)
    .filter((name) => name.startsWith('x-oss-'))
    .sort()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}\n`);
  return [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    at,
    `${ossHeaders.join('')}${resourceOf(request)}`,
  ].join('\n');
}

export function signatureV1(secret: string, stringToSign: string): string {
  return createHmac('sha1', secret).update(stringToSign).digest('base64');
}

function resourceOf({ bucket, key, query }: SignedRequest): string {
  const signed = [...query]
    .filter(([name]) => SIGNED_QUERY.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const path = bucket === '' ? '/' : `/${bucket}/${key}`;
  return signed.length === 0 ? path : `${path}?${signed.join('&')}`;
}
