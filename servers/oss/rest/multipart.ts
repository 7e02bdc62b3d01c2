import { createHash, randomUUID } from 'node:crypto';
import { type Answer, OssError, xmlAnswer } from '../answer.ts';
import type { OssRequest } from '../request.ts';
import { readSmallBody } from '../request.ts';
import { crc64Combine } from '../state/crc64Combine.ts';
import { type PartRow, partKey, type UploadRow } from '../state/world.ts';
import { parseXml, textOf } from '../xml.ts';
import { bucketOf, type Context, expectMayWrite, isoTime, keptHeaders } from './context.ts';
import { receive, receivedHeaders, versionHeaders } from './objects.ts';

const PART_BYTES_MIN = 100 * 1024;
const PART_NUMBER_MAX = 10_000;

export function initiateMultipartUpload(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  expectMayWrite(context, request);
  const uploadId = randomUUID().replaceAll('-', '').toUpperCase();
  const { bucket, key } = request;
  const uploads = context.world.uploads(bucket);
  const row: UploadRow = {
    uploadId,
    key,
    initiatedAtMs: context.now(),
    headers: keptHeaders(request.headers),
  };
  context.world.commit(uploads.put(uploadId, row));
  return xmlAnswer('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: uploadId });
}

/** A part replaces an earlier one with the same number. */
export async function uploadPart(context: Context, request: OssRequest): Promise<Answer> {
  const { world } = context;
  const { uploadId } = uploadOf(context, request);
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > PART_NUMBER_MAX) {
    throw new OssError(
      400,
      'InvalidArgument',
      'Part number must be an integer between 1 and 10000, inclusive.',
    );
  }
  const received = await receive(context, request);
  if (world.uploads(request.bucket).get(uploadId) === undefined) {
    world.data.release([received.segment]);
    throw noSuchUpload(uploadId);
  }
  const parts = world.parts(request.bucket);
  const row: PartRow = {
    uploadId,
    number,
    segment: received.segment,
    etag: received.etag,
    crc64: received.crc64,
    modifiedAtMs: context.now(),
  };
  const before = parts.get(partKey(uploadId, number));
  world.commit(parts.put(partKey(uploadId, number), row));
  if (before !== undefined) world.data.release([before.segment]);
  return { status: 200, headers: receivedHeaders(received) };
}

/** Ends the upload id: a second completion gets NoSuchUpload, although the object exists. */
export async function completeMultipartUpload(context: Context, request: OssRequest): Promise<Answer> {
  const { world } = context;
  const { bucket, key } = request;
  const body = await readSmallBody(request.body);
  const upload = uploadOf(context, request);
  expectMayWrite(context, request);
  const all = partsOf(context, bucket, upload.uploadId);
  const parts = request.headers['x-oss-complete-all'] === 'yes' ? all : namedParts(body, all);
  if (parts.length === 0)
    throw new OssError(400, 'InvalidArgument', 'An upload without parts cannot be completed.');
  expectSizes(parts);
  const etag = `${md5OfEtags(parts)}-${parts.length}`;
  const crc64 = crcOf(parts);
  world.putObject(
    bucket,
    key,
    {
      segments: parts.map(({ segment }) => segment),
      sizeBytes: sizeOf(parts),
      etag,
      crc64,
      type: 'Multipart',
      modifiedAtMs: context.now(),
      headers: upload.headers,
    },
    ...removalOf(context, bucket, upload.uploadId),
  );
  const used = new Set(parts);
  world.data.release(all.filter((part) => !used.has(part)).map(({ segment }) => segment));
  return xmlAnswer(
    'CompleteMultipartUploadResult',
    { Location: `http://${bucket}/${key}`, Bucket: bucket, Key: key, ETag: `"${etag}"` },
    { ETag: `"${etag}"`, 'x-oss-hash-crc64ecma': crc64, ...versionHeaders(context, request) },
  );
}

export function abortMultipartUpload(context: Context, request: OssRequest): Answer {
  const { uploadId } = uploadOf(context, request);
  const parts = partsOf(context, request.bucket, uploadId);
  context.world.commit(...removalOf(context, request.bucket, uploadId));
  context.world.data.release(parts.map(({ segment }) => segment));
  return { status: 204 };
}

export function listParts(context: Context, request: OssRequest): Answer {
  const { uploadId } = uploadOf(context, request);
  const { bucket, key, query } = request;
  const marker = Number(query.get('part-number-marker') ?? 0);
  const max = Number(query.get('max-parts') ?? 1000);
  const after = partsOf(context, bucket, uploadId).filter(({ number }) => number > marker);
  const page = after.slice(0, max);
  return xmlAnswer('ListPartsResult', {
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: max,
    IsTruncated: after.length > page.length,
    Part: page.map((part) => ({
      PartNumber: part.number,
      LastModified: isoTime(part.modifiedAtMs),
      ETag: `"${part.etag}"`,
      HashCrc64ecma: part.crc64,
      Size: part.segment.sizeBytes,
    })),
  });
}

export function listMultipartUploads(context: Context, request: OssRequest): Answer {
  bucketOf(context, request);
  const { bucket, query } = request;
  const prefix = query.get('prefix') ?? '';
  const max = Number(query.get('max-uploads') ?? 1000);
  const marker = positionOf(query.get('key-marker') ?? '', query.get('upload-id-marker') ?? '\uffff');
  const after = [...context.world.uploads(bucket).values()]
    .filter(({ key }) => key.startsWith(prefix))
    .filter(({ key, uploadId }) => positionOf(key, uploadId) > marker)
    .sort((a, b) => (positionOf(a.key, a.uploadId) < positionOf(b.key, b.uploadId) ? -1 : 1));
  const page = after.slice(0, max);
  const last = page.at(-1);
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: bucket,
    KeyMarker: query.get('key-marker') ?? '',
    UploadIdMarker: query.get('upload-id-marker') ?? '',
    NextKeyMarker: last?.key ?? '',
    NextUploadIdMarker: last?.uploadId ?? '',
    Prefix: prefix,
    Delimiter: '',
    MaxUploads: max,
    IsTruncated: after.length > page.length,
    Upload: page.map(({ key, uploadId, initiatedAtMs }) => ({
      Key: key,
      UploadId: uploadId,
      Initiated: isoTime(initiatedAtMs),
    })),
  });
}

/** An empty key sorts before every position. */
function positionOf(key: string, uploadId: string): string {
  return key === '' ? '' : `${key}\u0000${uploadId}`;
}

function uploadOf(context: Context, request: OssRequest): UploadRow {
  bucketOf(context, request);
  const uploadId = request.query.get('uploadId') ?? '';
  const row = context.world.uploads(request.bucket).get(uploadId);
  if (row?.key !== request.key) throw noSuchUpload(uploadId);
  return row;
}

function noSuchUpload(uploadId: string): OssError {
  return new OssError(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, ' +
      'or the upload may have been aborted or completed.',
    { UploadId: uploadId },
  );
}

/** Ascending by number. */
function partsOf({ world }: Context, bucket: string, uploadId: string): PartRow[] {
  const parts = world.parts(bucket);
  return parts.keysUnder(`${uploadId}/`).map((key) => parts.get(key)!);
}

function removalOf({ world }: Context, bucket: string, uploadId: string) {
  const parts = world.parts(bucket);
  return [
    world.uploads(bucket).remove(uploadId),
    ...parts.keysUnder(`${uploadId}/`).map((key) => parts.remove(key)),
  ];
}

/**
 * The parts that the body names. Throws unless they are ascending, exist and have the ETags that it states.
 */
function namedParts(body: string, all: readonly PartRow[]): PartRow[] {
  const byNumber = new Map(all.map((part) => [part.number, part]));
  let previous = 0;
  return parseXml(body)
    .children.filter(({ name }) => name === 'Part')
    .map((one) => {
      const number = Number(textOf(one, 'PartNumber'));
      const etag = (textOf(one, 'ETag') ?? '').replaceAll('"', '');
      if (number <= previous) {
        throw new OssError(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
      }
      previous = number;
      const part = byNumber.get(number);
      if (part?.etag.toUpperCase() !== etag.toUpperCase()) {
        throw new OssError(
          400,
          'InvalidPart',
          'One or more of the specified parts could not be found or the specified entity tag might not ' +
            "have matched the part's entity tag.",
          { PartNumber: number },
        );
      }
      return part;
    });
}

/** Every part but the last must have at least 100 KB. */
function expectSizes(parts: readonly PartRow[]): void {
  const small = parts.slice(0, -1).find(({ segment }) => segment.sizeBytes < PART_BYTES_MIN);
  if (small === undefined) return;
  throw new OssError(400, 'EntityTooSmall', 'Your proposed upload smaller than the minimum allowed size.', {
    PartNumber: small.number,
    MinSizeAllowed: PART_BYTES_MIN,
    ProposedSize: small.segment.sizeBytes,
  });
}

function md5OfEtags(parts: readonly PartRow[]): string {
  const etags = parts.map(({ etag }) => Buffer.from(etag, 'hex'));
  return createHash('md5').update(Buffer.concat(etags)).digest('hex').toUpperCase();
}

function crcOf(parts: readonly PartRow[]): string {
  const crc = parts.reduce(
    (sum, { crc64, segment }) => crc64Combine(sum, BigInt(crc64), segment.sizeBytes),
    0n,
  );
  return crc.toString();
}

function sizeOf(parts: readonly PartRow[]): number {
  return parts.reduce((sum, { segment }) => sum + segment.sizeBytes, 0);
}
