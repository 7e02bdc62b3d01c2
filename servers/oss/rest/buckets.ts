import { type Answer, OssError, xmlAnswer } from '../answer.ts';
import { type OssRequest, readSmallBody } from '../request.ts';
import type { BucketRow } from '../state/world.ts';
import { parseXml, textOf } from '../xml.ts';
import { bucketOf, type Context, isoTime } from './context.ts';

const OWNER = { ID: 'owner', DisplayName: 'owner' };

export function listBuckets(context: Context, request: OssRequest): Answer {
  const { query } = request;
  const { buckets } = context.world;
  const prefix = query.get('prefix') ?? '';
  const max = Number(query.get('max-keys') ?? 100);
  const after = buckets.keysUnder(prefix).filter((name) => name > (query.get('marker') ?? ''));
  const page = after.slice(0, max);
  const isTruncated = after.length > page.length;
  return xmlAnswer('ListAllMyBucketsResult', {
    Owner: OWNER,
    Prefix: prefix,
    Marker: query.get('marker') ?? '',
    MaxKeys: max,
    IsTruncated: isTruncated,
    NextMarker: isTruncated ? page.at(-1) : undefined,
    Buckets: { Bucket: page.map((name) => bucketXml(context, buckets.get(name)!)) },
  });
}

/** Can be repeated: the bucket is the caller's own. */
export function putBucket(context: Context, { bucket }: OssRequest): Answer {
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new OssError(400, 'InvalidBucketName', 'The specified bucket is not valid.', {
      BucketName: bucket,
    });
  }
  createBucket(context, bucket);
  return { status: 200 };
}

export function createBucket({ world, now }: Context, name: string): void {
  if (world.buckets.get(name) !== undefined) return;
  world.commit(world.buckets.put(name, { name, createdAtMs: now(), versioning: 'off' }));
}

export function deleteBucket(context: Context, request: OssRequest): Answer {
  const { world } = context;
  const { name } = bucketOf(context, request);
  const tables = [world.objects(name), world.uploads(name), world.table(`inodes:${name}`)];
  if (tables.some(({ size }) => size > 0)) {
    throw new OssError(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty.', {
      BucketName: name,
    });
  }
  world.commit(world.buckets.remove(name));
  return { status: 204 };
}

export function getBucketInfo(context: Context, request: OssRequest): Answer {
  const row = bucketOf(context, request);
  return xmlAnswer('BucketInfo', {
    Bucket: {
      ...bucketXml(context, row),
      Owner: OWNER,
      AccessControlList: { Grant: 'private' },
      DataRedundancyType: 'LRS',
      Versioning: row.versioning === 'off' ? undefined : row.versioning,
    },
  });
}

export function getBucketLocation(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  const location = `<LocationConstraint>oss-${context.region}</LocationConstraint>`;
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${location}`,
  };
}

export function getBucketAcl(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  return xmlAnswer('AccessControlPolicy', { Owner: OWNER, AccessControlList: { Grant: 'private' } });
}

export function getBucketVersioning(context: Context, request: OssRequest): Answer {
  const { versioning } = bucketOf(context, request);
  return xmlAnswer('VersioningConfiguration', { Status: versioning === 'off' ? undefined : versioning });
}

/** Once enabled, versioning can only be suspended, never turned off again. */
export async function putBucketVersioning(context: Context, request: OssRequest): Promise<Answer> {
  const row = bucketOf(context, request);
  const status = textOf(parseXml(await readSmallBody(request.body)), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') {
    throw new OssError(400, 'MalformedXML', 'Status is Enabled or Suspended');
  }
  const { buckets } = context.world;
  context.world.commit(buckets.put(row.name, { ...row, versioning: status }));
  return { status: 200 };
}

function bucketXml({ region }: Context, { name, createdAtMs }: BucketRow) {
  return {
    Name: name,
    CreationDate: isoTime(createdAtMs),
    Location: `oss-${region}`,
    Region: region,
    ExtranetEndpoint: `oss-${region}.aliyuncs.com`,
    IntranetEndpoint: `oss-${region}-internal.aliyuncs.com`,
    StorageClass: 'Standard',
  };
}
