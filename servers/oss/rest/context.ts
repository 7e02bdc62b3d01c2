import { OssError } from '../answer.ts';
import type { OssRequest } from '../request.ts';
import type { BucketRow, ObjectRow, World } from '../state/world.ts';

/** What handlers have access to. */
export type Context = {
  readonly world: World;
  readonly now: () => number;
  readonly region: string;
  readonly etag: EtagOf;
};

/**
 * What the ETag of a body is made of. OSS takes the MD5. The CRC-64, which is computed in any case, saves
 * more than a quarter of the server's work, where its speed matters and nobody looks into ETags.
 */
export type EtagOf = 'md5' | 'crc64';

export function bucketOf({ world }: Context, { bucket }: OssRequest): BucketRow {
  const row = world.buckets.get(bucket);
  if (row !== undefined) return row;
  throw new OssError(404, 'NoSuchBucket', 'The specified bucket does not exist.', { BucketName: bucket });
}

export function objectOf({ world }: Context, { bucket, key }: Pick<OssRequest, 'bucket' | 'key'>): ObjectRow {
  const row = world.objects(bucket).get(key);
  if (row !== undefined) return row;
  throw new OssError(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key });
}

/**
 * A bucket with versioning, enabled or suspended, ignores x-oss-forbid-overwrite, as the real service does.
 */
export function expectMayWrite(context: Context, request: OssRequest): void {
  const { versioning } = bucketOf(context, request);
  const isForbidden = request.headers['x-oss-forbid-overwrite'] === 'true' && versioning === 'off';
  if (isForbidden && context.world.objects(request.bucket).get(request.key) !== undefined) {
    throw new OssError(
      409,
      'FileAlreadyExists',
      'The object you specified already exists and can not be overwritten.',
    );
  }
}

const KEPT_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];

/** The headers of a put that are returned by its gets. */
export function keptHeaders(headers: OssRequest['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => KEPT_HEADERS.includes(name) || name.startsWith('x-oss-meta-')),
  );
}

/** With a precision of one second: oss2 accepts no other. */
export function isoTime(atMs: number): string {
  return new Date(Math.floor(atMs / 1000) * 1000).toISOString();
}
