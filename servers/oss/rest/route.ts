import { type Answer, OssError } from '../answer.ts';
import type { OssRequest } from '../request.ts';
import {
  deleteBucket,
  getBucketAcl,
  getBucketInfo,
  getBucketLocation,
  getBucketVersioning,
  listBuckets,
  putBucket,
  putBucketVersioning,
} from './buckets.ts';
import type { Context } from './context.ts';
import { listObjects } from './listing.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  initiateMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
} from './multipart.ts';
import {
  appendObject,
  copyObject,
  deleteMultipleObjects,
  deleteObject,
  getObject,
  headObject,
  putObject,
} from './objects.ts';

type Handler = (context: Context, request: OssRequest) => Answer | Promise<Answer>;

/** An operation of the OSS REST interface, named as in OSS's documentation. */
export type Operation = { readonly name: string; readonly handle: Handler };

const SERVICE: Readonly<Record<string, Operation>> = {
  GET: { name: 'ListBuckets', handle: listBuckets },
};

/** By method, and by sub-resource if the request names one. */
const BUCKET: Readonly<Record<string, Operation>> = {
  PUT: { name: 'PutBucket', handle: putBucket },
  DELETE: { name: 'DeleteBucket', handle: deleteBucket },
  GET: { name: 'ListObjects', handle: listObjects },
  'GET bucketInfo': { name: 'GetBucketInfo', handle: getBucketInfo },
  'GET location': { name: 'GetBucketLocation', handle: getBucketLocation },
  'GET acl': { name: 'GetBucketAcl', handle: getBucketAcl },
  'GET versioning': { name: 'GetBucketVersioning', handle: getBucketVersioning },
  'PUT versioning': { name: 'PutBucketVersioning', handle: putBucketVersioning },
  'GET uploads': { name: 'ListMultipartUploads', handle: listMultipartUploads },
  'POST delete': { name: 'DeleteMultipleObjects', handle: deleteMultipleObjects },
};

const OBJECT: Readonly<Record<string, Operation>> = {
  PUT: { name: 'PutObject', handle: putObject },
  GET: { name: 'GetObject', handle: getObject },
  HEAD: { name: 'HeadObject', handle: headObject },
  'HEAD objectMeta': { name: 'GetObjectMeta', handle: headObject },
  'GET objectMeta': { name: 'GetObjectMeta', handle: headObject },
  DELETE: { name: 'DeleteObject', handle: deleteObject },
  'POST append': { name: 'AppendObject', handle: appendObject },
  'POST uploads': { name: 'InitiateMultipartUpload', handle: initiateMultipartUpload },
  'PUT uploadId': { name: 'UploadPart', handle: uploadPart },
  'POST uploadId': { name: 'CompleteMultipartUpload', handle: completeMultipartUpload },
  'DELETE uploadId': { name: 'AbortMultipartUpload', handle: abortMultipartUpload },
  'GET uploadId': { name: 'ListParts', handle: listParts },
};
const COPY: Operation = { name: 'CopyObject', handle: copyObject };

/** Sub-resources; a request names at most one of them. */
const SUB_RESOURCES = [
  'bucketInfo',
  'location',
  'acl',
  'versioning',
  'uploads',
  'uploadId',
  'delete',
  'append',
  'objectMeta',
];

export function operationOf({ method, bucket, key, query, headers }: OssRequest): Operation {
  const subResource = SUB_RESOURCES.find((name) => query.has(name));
  const name = subResource === undefined ? method : `${method} ${subResource}`;
  const table = bucket === '' ? SERVICE : key === '' ? BUCKET : OBJECT;
  const operation = table === OBJECT && name === 'PUT' && 'x-oss-copy-source' in headers ? COPY : table[name];
  if (operation !== undefined) return operation;
  throw new OssError(501, 'NotImplemented', `${name} of ${bucket}/${key} is not part of this server`);
}
