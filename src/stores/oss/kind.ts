/** Plain OSS as destination: objects of a bucket, each written by a multipart upload. */
import type { z } from 'zod';
import type { SchemaContext } from '../../../kernels/schema/outside.ts';
import type { KeyProblem } from '../../../kernels/schema/parts.ts';
import { size } from '../../../kernels/schema/values.ts';
import type { SinkConfig } from '../../config/jobConfig.ts';
import {
  credentialsOf,
  environmentCredentials,
  missingCredentials,
  type OssCredentials,
} from '../alibaba/credentials.ts';
import { isOssPath, ossDestination, ossKindOf, ossProblems, readOssKeys } from '../alibaba/keys.ts';
import { ossAddressText, ossPathProblem, ossUri, ossWayText, type OssAddress } from '../alibaba/path.ts';
import { sharedOssKeys } from '../alibaba/sharedKeys.ts';
import type { StoreKind } from '../kind.ts';
import { uploadRoomBytes } from './uploadRoom.ts';

const MIB = 1024 * 1024;
const UPLOAD_PART_BYTES_DEFAULT = 8 * MIB;
/** OSS takes no smaller part, except as the last one. */
const UPLOAD_PART_BYTES_MIN = 100 * 1024;
/** OSS takes up to 5 GiB. A part is in memory until it is uploaded. */
const UPLOAD_PART_BYTES_MAX = 1024 * MIB;

export interface OssSinkConfig extends SinkConfig {
  readonly type: 'oss';
  readonly ossBucket: string;
  /** Like `cn-hangzhou`. */
  readonly region: string;
  readonly address: OssAddress;
  readonly credentials: OssCredentials;
  readonly uploadPartBytes: number;
}

type ParsedKeys = z.output<z.ZodObject<ReturnType<typeof ossKeys>>> & { readonly path: string };

export const OSS_STORE: StoreKind<OssSinkConfig, ParsedKeys> = {
  name: 'oss',
  pathExample: 'oss://bucket.oss-<region>.aliyuncs.com/folder',
  pathIs: 'an oss:// path of plain OSS',
  keys: ossKeys,
  takes: (sink) => isOssPath(sink) && ossKindOf(sink) === 'oss',
  pathProblem: ossPathProblem,
  problems(sink, context) {
    const keys = readOssKeys(sink);
    if (keys === null) return [];
    const problems: KeyProblem[] = ossProblems(keys, sink['endpoint'] !== undefined);
    const destination = ossDestination(keys);
    if (destination !== null && destination.region === null && sink['region'] === undefined)
      problems.push({
        key: ['region'],
        message: 'is missing, and no endpoint names it; expected the region of the bucket, like cn-hangzhou',
      });
    if (
      destination !== null &&
      sink['credentials'] === undefined &&
      environmentCredentials(context.env) === null
    )
      problems.push(missingCredentials(context.env));
    return problems;
  },
  uri: ossUri,
  toConfig(parsed, common, { env }) {
    const keys = readOssKeys(parsed);
    const destination = keys === null ? null : ossDestination(keys);
    const credentials = credentialsOf(parsed.credentials, env);
    if (keys === null || destination?.kind !== 'oss' || destination.region === null || credentials === null)
      throw new TypeError('A checked job file has a sink whose keys do not fit together.');
    const { region, address } = destination;
    return {
      ...common,
      ...{ type: 'oss', ossBucket: keys.path.ossBucket, region, address, credentials },
      uploadPartBytes: parsed.uploadPartSize ?? UPLOAD_PART_BYTES_DEFAULT,
    };
  },
  memoryBytes: ({ uploadPartBytes }) => uploadRoomBytes(uploadPartBytes),
  /** Loads the signing of ali-oss only for a destination that needs it. */
  async open(config) {
    const { openOssStore } = await import('./store.ts');
    return openOssStore({ ...config, keys: () => Promise.resolve(config.credentials) });
  },
  describe({ ossBucket, region, address, uploadPartBytes }) {
    const parts = `upload parts of ${Math.round(uploadPartBytes / 1024)} KiB`;
    return `OSS · bucket ${ossBucket} · region ${region} · at ${ossWayText(address)} · ${parts}`;
  },
  facts: ({ ossBucket, region, address, uploadPartBytes }) => ({
    ...{ ossBucket, region, address: ossAddressText(address) },
    uploadPartBytes: String(uploadPartBytes),
  }),
};

function ossKeys(context: SchemaContext) {
  return {
    ...sharedOssKeys(context),
    uploadPartSize: size()
      .superRefine((bytes, issue) => {
        if (bytes >= UPLOAD_PART_BYTES_MIN && bytes <= UPLOAD_PART_BYTES_MAX) return;
        const message = `is ${bytes} bytes; expected at least 100KiB, and at most 1GiB`;
        issue.addIssue({ code: 'custom', message });
      })
      .optional()
      .meta({
        description:
          'When a part file on plain OSS has so many bytes that are not uploaded, they are uploaded as one part; ' +
          '8MiB if not given. The job takes 64MiB of memory more, or that of four parts.',
      }),
  };
}
