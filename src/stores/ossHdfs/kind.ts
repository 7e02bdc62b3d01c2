/** OSS-HDFS as destination: an OSS bucket with the HDFS service, written through JindoSDK. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { existingFile, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { expecting, hasControl, matchingText, text } from '../../../kernels/schema/values.ts';
import type { SinkConfig } from '../../config/jobConfig.ts';
import {
  credentialsOf,
  credentialsSchema,
  environmentCredentials,
  missingCredentials,
  type OssCredentials,
} from '../alibaba/credentials.ts';
import { ossDestination, ossProblems, readOssKeys } from '../alibaba/keys.ts';
import {
  OSS_SCHEME,
  ossAddressText,
  parseOssAddress,
  parseOssPath,
  REGION_PATTERN,
  type OssAddress,
  type OssPath,
} from '../alibaba/path.ts';
import type { StoreKind, StoreOpening } from '../kind.ts';
import { JINDO_MEMORY_MIB_MAX } from './settings.ts';

/**
 * Threads of the pool that JindoSDK's calls never take. Name look-ups and file access continue if the service
 * hangs.
 */
const POOL_THREADS_KEPT = 4;

export interface OssHdfsSinkConfig extends SinkConfig {
  readonly type: 'oss-hdfs';
  readonly ossBucket: string;
  /** Like `cn-hangzhou`. Null if nothing names it. */
  readonly region: string | null;
  readonly address: OssAddress;
  readonly credentials: OssCredentials;
  /** Absolute path of JindoSDK's shared library, readable. Null: search the usual places. */
  readonly jindosdkLibrary: string | null;
}

type ParsedKeys = z.output<z.ZodObject<ReturnType<typeof ossKeys>>> & { readonly path: string };

export const OSS_HDFS_STORE: StoreKind<OssHdfsSinkConfig, ParsedKeys> = {
  name: 'oss-hdfs',
  pathExample: 'oss://bucket.<endpoint>/folder',
  pathIs: 'an oss:// path',
  keys: ossKeys,
  takes: ({ path: value }) => typeof value === 'string' && value.startsWith(OSS_SCHEME),
  pathProblem(value) {
    // Parsed before anything is quoted, since the text may hold an access key.
    const parsed = parseOssPath(value);
    return hasControl(value) ? 'holds a control character' : parsed.type === 'parsed' ? null : parsed.reason;
  },
  problems(sink, context) {
    const keys = readOssKeys(sink);
    if (keys === null) return [];
    const problems: KeyProblem[] = ossProblems(keys, sink['endpoint'] !== undefined);
    const isOssHdfs = ossDestination(keys)?.kind === 'oss-hdfs';
    if (isOssHdfs && sink['credentials'] === undefined && environmentCredentials(context.env) === null)
      problems.push(missingCredentials(context.env));
    return problems;
  },
  uri(value) {
    const parsed = parseOssPath(value);
    return parsed.type === 'parsed' ? ossUri(parsed.value) : value;
  },
  toConfig(parsed, common, { env }) {
    const keys = readOssKeys(parsed);
    const destination = keys === null ? null : ossDestination(keys);
    const credentials = credentialsOf(parsed.credentials, env);
    if (keys === null || destination?.kind !== 'oss-hdfs' || credentials === null)
      throw new TypeError('A checked job file has a sink whose keys do not fit together.');
    const { region, address } = destination;
    return {
      ...common,
      ...{ type: 'oss-hdfs', ossBucket: keys.path.ossBucket, region, address, credentials },
      jindosdkLibrary: parsed.jindosdk?.library ?? null,
    };
  },
  memoryBytes: JINDO_MEMORY_MIB_MAX * 1024 * 1024,
  /** Loads JindoSDK and its bindings only for a destination that needs them. */
  async open(config, opening) {
    const [{ openOssHdfsStore }, { locateJindosdk }] = await Promise.all([
      import('./store.ts'),
      import('./locate.ts'),
    ]);
    return openOssHdfsStore({
      ...config,
      library: locateJindosdk(placesOf(config, opening), existsSync),
      logFolder: logFolderOf(opening),
      callsMax: callsMaxOf(opening),
      log: opening.log,
    });
  },
  async probe(config, probing) {
    const [{ ossHdfsProbe }, { locateJindosdk }, { systemClock }] = await Promise.all([
      import('./probe.ts'),
      import('./locate.ts'),
      import('../../system/clock.ts'),
    ]);
    return ossHdfsProbe({
      ...config,
      locate: () => locateJindosdk(placesOf(config, probing), existsSync),
      logFolder: logFolderOf(probing),
      callsMax: callsMaxOf(probing),
      sinkUri: config.uri,
      scratchUri: probing.scratchUri,
      log: probing.log,
      wallMs: systemClock.wallMs,
    });
  },
  describe({ ossBucket, region, address }) {
    const way = `${ossAddressText(address)}${address.pathStyle ? ', the bucket in the path' : ''}`;
    return `OSS-HDFS · bucket ${ossBucket} · region ${region ?? 'unknown'} · at ${way}`;
  },
  facts: ({ ossBucket, region, address }) => ({ ossBucket, region, address: ossAddressText(address) }),
};

function placesOf({ jindosdkLibrary }: OssHdfsSinkConfig, { env, cacheHome }: StoreOpening) {
  const named = (name: string): string | null => {
    const value = env[name];
    return value === undefined || value === '' ? null : value;
  };
  return {
    configured: jindosdkLibrary,
    fromEnvironment: named('TIDEMARK_JINDOSDK'),
    jindosdkHome: named('JINDOSDK_HOME'),
    cacheHome,
  };
}

const logFolderOf = ({ stateDir }: StoreOpening): string => path.join(stateDir, '_jindosdk');

const callsMaxOf = ({ poolThreads }: StoreOpening): number => Math.max(2, poolThreads - POOL_THREADS_KEPT);

function ossKeys(context: SchemaContext) {
  return {
    kind: z
      .enum(['oss-hdfs', 'oss'], { error: expecting('oss-hdfs or oss') })
      .optional()
      .meta({ description: 'What an oss:// path leads to, where no endpoint says it: oss-hdfs or oss.' }),
    endpoint: endpoint().optional().meta({
      description: 'Address of the server of an oss:// path: host, host:port, or an http(s) URL.',
    }),
    region: matchingText('a region, like cn-hangzhou', REGION_PATTERN)
      .optional()
      .meta({ description: 'Region of an oss:// path, where no endpoint says it.' }),
    credentials: credentialsSchema(context).optional(),
    jindosdk: map({
      library: existingFile(context, "JindoSDK's shared library")
        .optional()
        .meta({ description: "JindoSDK's shared library; without it the usual places are looked through." }),
    })
      .optional()
      .meta({ description: 'JindoSDK, through which OSS-HDFS is reached.' }),
  };
}

function endpoint() {
  return text('host, host:port, or an http(s) URL of them, like https://10.0.0.5:8443', (value) => {
    const parsed = parseOssAddress(value);
    return parsed.type === 'parsed' ? null : parsed.reason;
  });
}

/** `oss://bucket/folder`, without the endpoint, so that a file keeps its name whichever endpoint is used. */
function ossUri({ ossBucket, folder }: OssPath): string {
  return `${OSS_SCHEME}${ossBucket}${folder === '' ? '' : `/${folder}`}`;
}
