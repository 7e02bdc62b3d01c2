/** OSS-HDFS as destination: an OSS bucket with the HDFS service, written through JindoSDK. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { existingFile, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map } from '../../../kernels/schema/parts.ts';
import { expecting, hasControl, matchingText, text } from '../../../kernels/schema/values.ts';
import type { SinkConfig } from '../../config/jobConfig.ts';
import {
  credentialsOf,
  credentialsSchema,
  credentialsText,
  isProvider,
  type CredentialsConfig,
} from '../alibaba/credentialKeys.ts';
import { credentialProblems } from '../alibaba/providerConfig.ts';
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
import type { StoreKind } from '../kind.ts';
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
  readonly credentials: CredentialsConfig;
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
    const credentials = sink['credentials'];
    const problems = credentials === undefined ? [] : credentialProblems(credentials, context);
    const keys = readOssKeys(sink);
    if (keys === null) return problems;
    problems.push(...ossProblems(keys, sink['endpoint'] !== undefined));
    if (credentials === undefined && ossDestination(keys)?.kind === 'oss-hdfs')
      problems.push(...credentialProblems(credentials, context));
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
  async open(config, { log, clock, conditions, stateDir, env, cacheHome, poolThreads }) {
    const [{ openOssHdfsStore }, { locateJindosdk }, { openJindoKeys }] = await Promise.all([
      import('./store.ts'),
      import('./locate.ts'),
      import('./jindoKeys.ts'),
    ]);
    const named = (name: string): string | null => {
      const value = env[name];
      return value === undefined || value === '' ? null : value;
    };
    const places = {
      configured: config.jindosdkLibrary,
      fromEnvironment: named('TIDEMARK_JINDOSDK'),
      jindosdkHome: named('JINDOSDK_HOME'),
      cacheHome,
    };
    const library = locateJindosdk(places, existsSync);
    const logFolder = path.join(stateDir, '_jindosdk');
    const { credentials } = config;
    return openOssHdfsStore({
      ...config,
      credentials: isProvider(credentials)
        ? await openJindoKeys(credentials, {
            log,
            clock,
            conditions,
            ownFolder: path.join(logFolder, 'keys'),
          })
        : credentials,
      ...{ library, logFolder },
      callsMax: Math.max(2, poolThreads - POOL_THREADS_KEPT),
      log,
    });
  },
  describe({ ossBucket, region, address, credentials }) {
    const way = `${ossAddressText(address)}${address.pathStyle ? ', the bucket in the path' : ''}`;
    const where = `OSS-HDFS · bucket ${ossBucket} · region ${region ?? 'unknown'} · at ${way}`;
    return isProvider(credentials) ? `${where} · ${credentialsText(credentials)}` : where;
  },
  facts: ({ ossBucket, region, address, credentials }) => ({
    ...{ ossBucket, region, address: ossAddressText(address) },
    ...(isProvider(credentials) ? { credentials: credentialsText(credentials) } : {}),
  }),
};

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
