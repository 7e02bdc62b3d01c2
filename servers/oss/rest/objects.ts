import { type Answer, OssError, xmlAnswer } from '../answer.ts';
import type { OssRequest } from '../request.ts';
import { readSmallBody } from '../request.ts';
import { crc64Combine } from '../state/crc64Combine.ts';
import type { Received } from '../state/content.ts';
import type { ObjectRow } from '../state/world.ts';
import { parseXml, textOf } from '../xml.ts';
import { bucketOf, type Context, expectMayWrite, isoTime, keptHeaders, objectOf } from './context.ts';

/** Prefix of the data of OSS-HDFS in its bucket. */
export const DFS_DATA_PREFIX = '.dlsdata/';

export async function putObject(context: Context, request: OssRequest): Promise<Answer> {
  expectMayWrite(context, request);
  const received = await receive(context, request);
  // Checked again: another request may have been faster while the body arrived.
  expectMayWriteOrRelease(context, request, received);
  context.world.putObject(request.bucket, request.key, {
    ...contentOf(received),
    type: 'Normal',
    modifiedAtMs: context.now(),
    headers: keptHeaders(request.headers),
  });
  return { status: 200, headers: { ...versionHeaders(context, request), ...receivedHeaders(received) } };
}

/** An appendable object grows only at its end: `position` is where the caller expects that to be. */
export async function appendObject(context: Context, request: OssRequest): Promise<Answer> {
  bucketOf(context, request);
  const received = await receive(context, request);
  const before = context.world.objects(request.bucket).get(request.key);
  const position = Number(request.query.get('position'));
  const refusal = appendRefusal(before, position);
  if (refusal !== null) {
    context.world.data.release([received.segment]);
    throw refusal;
  }
  const crc64 = crc64Combine(
    BigInt(before?.crc64 ?? 0),
    BigInt(received.crc64),
    received.segment.sizeBytes,
  ).toString();
  const sizeBytes = position + received.segment.sizeBytes;
  const row: ObjectRow = {
    segments: [...(before?.segments ?? []), received.segment],
    sizeBytes,
    etag: received.etag,
    crc64,
    type: 'Appendable',
    modifiedAtMs: context.now(),
    headers: before?.headers ?? keptHeaders(request.headers),
  };
  context.world.commit(context.world.objects(request.bucket).put(request.key, row));
  const headers = { ETag: `"${row.etag}"`, 'x-oss-hash-crc64ecma': crc64 };
  return { status: 200, headers: { ...headers, 'x-oss-next-append-position': String(sizeBytes) } };
}

function appendRefusal(before: ObjectRow | undefined, position: number): OssError | null {
  if (before !== undefined && before.type !== 'Appendable') {
    return new OssError(409, 'ObjectNotAppendable', 'The object is not appendable');
  }
  const length = before?.sizeBytes ?? 0;
  if (position === length) return null;
  return new OssError(409, 'PositionNotEqualToLength', 'Position is not equal to file length', {
    ObjectLength: length,
  });
}

export function copyObject(context: Context, request: OssRequest): Answer {
  const source = /^\/?([^/]+)\/(.*)$/.exec(decodeURIComponent(request.headers['x-oss-copy-source'] ?? ''));
  if (source === null) throw new OssError(400, 'InvalidArgument', 'x-oss-copy-source is not /bucket/object');
  const [, bucket = '', key = ''] = source;
  const from = objectOf(context, { bucket, key });
  expectMayWrite(context, request);
  const { world } = context;
  const replaces = request.headers['x-oss-metadata-directive'] === 'REPLACE';
  const row: ObjectRow = {
    ...from,
    segments: world.data.copy(from.segments),
    type: 'Normal',
    modifiedAtMs: context.now(),
    headers: replaces ? keptHeaders(request.headers) : from.headers,
  };
  world.putObject(request.bucket, request.key, row);
  return xmlAnswer(
    'CopyObjectResult',
    { LastModified: isoTime(row.modifiedAtMs), ETag: `"${row.etag}"` },
    { ...versionHeaders(context, request), 'x-oss-hash-crc64ecma': row.crc64 },
  );
}

export function getObject(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  const row = objectOf(context, request);
  const { segments, sizeBytes } = row;
  const range = rangeOf(request.headers['range'], sizeBytes);
  const headers = objectHeaders(row);
  if (range === null) {
    return { status: 200, headers, body: { segments, startByte: 0, sizeBytes } };
  }
  const rangeBytes = range.end - range.start + 1;
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${range.start}-${range.end}/${sizeBytes}` },
    body: { segments, startByte: range.start, sizeBytes: rangeBytes },
  };
}

/** HEAD, and HEAD with ?objectMeta. */
export function headObject(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  const row = objectOf(context, request);
  return { status: 200, headers: { ...objectHeaders(row), 'Content-Length': String(row.sizeBytes) } };
}

export function deleteObject(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  context.world.removeObjects(request.bucket, [request.key]);
  return { status: 204 };
}

export async function deleteMultipleObjects(context: Context, request: OssRequest): Promise<Answer> {
  bucketOf(context, request);
  const body = parseXml(await readSmallBody(request.body));
  const keys = body.children.filter(({ name }) => name === 'Object').map((one) => textOf(one, 'Key') ?? '');
  if (keys.length > 1000) throw new OssError(400, 'MalformedXML', 'at most 1000 objects at once');
  context.world.removeObjects(request.bucket, keys);
  if (textOf(body, 'Quiet') === 'true') return { status: 200 };
  const encode =
    request.query.get('encoding-type') === 'url' ? encodeURIComponent : (key: string): string => key;
  return xmlAnswer('DeleteResult', {
    EncodingType: request.query.get('encoding-type'),
    Deleted: keys.map((key) => ({ Key: encode(key) })),
  });
}

/** Stores the body in its own file and checks it against the MD5 that came with it. */
export async function receive({ world, etag }: Context, request: OssRequest): Promise<Received> {
  const md5 = request.headers['content-md5'];
  const withMd5 = md5 !== undefined || (etag === 'md5' && !request.key.startsWith(DFS_DATA_PREFIX));
  const received = await world.data.receive(request.body, { withMd5 });
  if (md5 === undefined || md5 === received.md5Base64) return received;
  world.data.release([received.segment]);
  throw new OssError(400, 'InvalidDigest', 'The Content-MD5 you specified is invalid.');
}

export function receivedHeaders({ etag, crc64, md5Base64 }: Received): Record<string, string> {
  const md5: Record<string, string> = md5Base64 === null ? {} : { 'Content-MD5': md5Base64 };
  return { ETag: `"${etag}"`, 'x-oss-hash-crc64ecma': crc64, ...md5 };
}

export function versionHeaders(context: Context, request: OssRequest): Record<string, string> {
  const { versioning } = bucketOf(context, request);
  if (versioning === 'off') return {};
  return { 'x-oss-version-id': versioning === 'Enabled' ? `v${context.now().toString(36)}` : 'null' };
}

function contentOf({
  segment,
  etag,
  crc64,
}: Received): Pick<ObjectRow, 'segments' | 'sizeBytes' | 'etag' | 'crc64'> {
  return { segments: [segment], sizeBytes: segment.sizeBytes, etag, crc64 };
}

function expectMayWriteOrRelease(context: Context, request: OssRequest, received: Received): void {
  try {
    expectMayWrite(context, request);
  } catch (error) {
    context.world.data.release([received.segment]);
    throw error;
  }
}

function objectHeaders(row: ObjectRow): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    ...row.headers,
    ETag: `"${row.etag}"`,
    'Last-Modified': new Date(row.modifiedAtMs).toUTCString(),
    'Accept-Ranges': 'bytes',
    'x-oss-hash-crc64ecma': row.crc64,
    'x-oss-object-type': row.type,
    'x-oss-storage-class': 'Standard',
  };
}

/**
 * Both ends inclusive. Null means the whole object, which OSS also returns for a range that it cannot parse.
 */
function rangeOf(header: string | undefined, sizeBytes: number): { start: number; end: number } | null {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start < sizeBytes && start <= end) return { start, end };
  if (start >= sizeBytes) throw new OssError(416, 'InvalidRange', 'The requested range cannot be satisfied');
  return null;
}
