import { type Answer, xmlAnswer } from '../answer.ts';
import type { OssRequest } from '../request.ts';
import type { ObjectRow } from '../state/world.ts';
import { bucketOf, type Context, isoTime } from './context.ts';

type Page = {
  readonly objects: readonly (readonly [string, ObjectRow])[];
  readonly commonPrefixes: readonly string[];
  /** The listing continues after this name; empty at the end. */
  readonly next: string;
};

/** GetBucket (ListObjects) and ListObjectsV2. */
export function listObjects(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  const { bucket, query } = request;
  const isV2 = query.get('list-type') === '2';
  const token = query.get('continuation-token');
  const marker = isV2
    ? token === undefined
      ? (query.get('start-after') ?? '')
      : Buffer.from(token, 'base64url').toString()
    : (query.get('marker') ?? '');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = Number(query.get('max-keys') ?? 100);
  const page = pageOf(context, bucket, { prefix, delimiter, marker, maxKeys });
  const encode = query.get('encoding-type') === 'url' ? encodeURIComponent : (text: string): string => text;
  const common = {
    Name: bucket,
    Prefix: encode(prefix),
    MaxKeys: maxKeys,
    Delimiter: encode(delimiter),
    EncodingType: query.get('encoding-type'),
    IsTruncated: page.next !== '',
    Contents: page.objects.map(([key, row]) => ({
      Key: encode(key),
      LastModified: isoTime(row.modifiedAtMs),
      ETag: `"${row.etag}"`,
      Type: row.type,
      Size: row.sizeBytes,
      StorageClass: 'Standard',
      Owner: isV2 && query.get('fetch-owner') !== 'true' ? undefined : { ID: 'owner', DisplayName: 'owner' },
    })),
    CommonPrefixes: page.commonPrefixes.map((one) => ({ Prefix: encode(one) })),
  };
  const isTruncated = page.next !== '';
  if (!isV2) {
    const next = isTruncated ? encode(page.next) : undefined;
    return xmlAnswer('ListBucketResult', { ...common, Marker: encode(marker), NextMarker: next });
  }
  return xmlAnswer('ListBucketResult', {
    ...common,
    StartAfter: encode(query.get('start-after') ?? ''),
    ContinuationToken: token,
    NextContinuationToken: isTruncated ? Buffer.from(page.next).toString('base64url') : undefined,
    KeyCount: page.objects.length + page.commonPrefixes.length,
  });
}

type Wanted = {
  readonly prefix: string;
  readonly delimiter: string;
  readonly marker: string;
  readonly maxKeys: number;
};

function pageOf({ world }: Context, bucket: string, { prefix, delimiter, marker, maxKeys }: Wanted): Page {
  const table = world.objects(bucket);
  const objects: (readonly [string, ObjectRow])[] = [];
  const commonPrefixes: string[] = [];
  let last = '';
  for (const key of table.keysUnder(prefix)) {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = at < 0 ? key : key.slice(0, at + delimiter.length);
    if (name <= marker || name === last) continue;
    if (objects.length + commonPrefixes.length >= maxKeys) return { objects, commonPrefixes, next: last };
    if (at < 0) objects.push([key, table.get(key)!]);
    else commonPrefixes.push(name);
    last = name;
  }
  return { objects, commonPrefixes, next: '' };
}
