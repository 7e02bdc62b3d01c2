import { createHash, createHmac } from 'node:crypto';
import type { OssRequest } from '../request.ts';

export type ScopeV4 = {
  readonly accessKeyId: string;
  /** yyyymmdd */
  readonly day: string;
  readonly region: string;
  readonly product: string;
};

const ALWAYS_SIGNED = new Set(['content-type', 'content-md5']);

/** `id/day/region/product/aliyun_v4_request`; an id contains no slash. */
export function scopeOf(credential: string): ScopeV4 | undefined {
  const [accessKeyId, day, region, product, end, ...more] = credential.split('/');
  if (accessKeyId === undefined || day === undefined || region === undefined || product === undefined)
    return undefined;
  return end === 'aliyun_v4_request' && more.length === 0 ? { accessKeyId, day, region, product } : undefined;
}

/** `at` is yyyymmddThhmmssZ; `unsignedQuery` names the parameter that holds the signature itself. */
export function stringToSignV4(
  request: OssRequest,
  scope: ScopeV4,
  at: string,
  additionalHeaders: readonly string[],
  unsignedQuery: readonly string[],
): string {
  const { method, bucket, key, headers } = request;
  const additional = [...additionalHeaders].sort();
  const canonical = [
    method,
    encode(bucket === '' ? '/' : `/${bucket}/${key}`, '/'),
    canonicalQuery(request, unsignedQuery),
    canonicalHeaders(headers, new Set(additional)),
    additional.join(';'),
    headers['x-oss-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  return [
    'OSS4-HMAC-SHA256',
    at,
    `${scope.day}/${scope.region}/${scope.product}/aliyun_v4_request`,
    hash,
  ].join('\n');
}

export function signatureV4(secret: string, scope: ScopeV4, stringToSign: string): string {
  const key = [scope.day, scope.region, scope.product, 'aliyun_v4_request'].reduce<Buffer | string>(
    (parent, word) => createHmac('sha256', parent).update(word).digest(),
    `aliyun_v4${secret}`,
  );
  return createHmac('sha256', key).update(stringToSign).digest('hex');
}

function canonicalQuery({ query }: OssRequest, unsigned: readonly string[]): string {
  return [...query]
    .filter(([name]) => !unsigned.includes(name))
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');
}

/** Each line ends with a line feed, so an empty line follows the last one. */
function canonicalHeaders(headers: OssRequest['headers'], additional: ReadonlySet<string>): string {
  return Object.keys(headers)
    .filter((name) => name.startsWith('x-oss-') || ALWAYS_SIGNED.has(name) || additional.has(name))
    .sort()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}\n`)
    .join('');
}

/** RFC 3986: all but letters, digits and -_.~ are encoded. */
function encode(text: string, kept = ''): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return kept === '/' ? encoded.replaceAll('%2F', '/') : encoded;
}
