import type { IncomingMessage } from 'node:http';
import { OssError } from './answer.ts';

/** A parsed request of a client. */
export type OssRequest = {
  readonly method: string;
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Decoded; empty for the bucket itself. */
  readonly key: string;
  /** Decoded, in the order of the request. A name without a value has an empty one. */
  readonly query: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: IncomingMessage;
};

export function readRequest(message: IncomingMessage): OssRequest {
  const [rawPath, rawQuery = ''] = splitOnce(message.url ?? '/', '?');
  const headers = headersOf(message);
  const inHost = bucketOfHost(headers['host'] ?? '');
  const path = decode(rawPath.slice(1));
  const [first, rest] = splitOnce(path, '/');
  return {
    method: message.method ?? 'GET',
    bucket: inHost ?? first,
    key: inHost === undefined ? (rest ?? '') : path,
    query: queryOf(rawQuery),
    headers,
    body: message,
  };
}

/**
 * `bucket.localhost:1234` and `bucket.oss-region.aliyuncs.com` name the bucket; an address or plain
 * `localhost` does not.
 */
function bucketOfHost(host: string): string | undefined {
  const name = host.replace(/:\d+$/, '');
  return /^([a-z0-9][a-z0-9-]*)\.(localhost$|oss-|[a-z0-9-]+\.oss-)/.exec(name)?.[1];
}

function queryOf(raw: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of raw.split('&')) {
    if (pair === '') continue;
    const [name, value = ''] = splitOnce(pair, '=');
    query.set(decode(name), decode(value.replaceAll('+', ' ')));
  }
  return query;
}

function headersOf(message: IncomingMessage): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return headers;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new OssError(400, 'InvalidURI', `not a URI component: ${text}`);
  }
}

/** Splits at the first separator; one piece if there is none. */
function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

const SMALL_BODY_BYTES_MAX = 8 << 20;

/** A body of XML or JSON, which is always small. */
export async function readSmallBody(body: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > SMALL_BODY_BYTES_MAX)
      throw new OssError(400, 'MalformedXML', 'the body is too large for XML');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
