/** OSS-HDFS as destination: an OSS bucket with the HDFS service, written through JindoSDK. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { existingFile, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map, type KeyProblem } from '../../../kernels/schema/parts.ts';
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
  pathIs: 'an oss:// path of OSS-HDFS',
  keys: ossKeys,
  /** Also one that tells no service, or is invalid: the problem is reported once. */
  takes: (sink) => isOssPath(sink) && ossKindOf(sink) !== 'oss',
  pathProblem: ossPathProblem,
  problems(sink, context) {
    const keys = readOssKeys(sink);
    if (keys === null) return [];
    const problems: KeyProblem[] = ossProblems(keys, sink['endpoint'] !== undefined);
    const isOssHdfs = ossDestination(keys)?.kind === 'oss-hdfs';
    if (isOssHdfs && sink['credentials'] === undefined && environmentCredentials(context.env) === null)
      problems.push(missingCredentials(context.env));
    return problems;
  },
  uri: ossUri,
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
  memoryBytes: () => JINDO_MEMORY_MIB_MAX * 1024 * 1024,
  /** Loads JindoSDK and its bindings only for a destination that needs them. */
  async open(config, { log, stateDir, env, cacheHome, poolThreads }) {
    const [{ openOssHdfsStore }, { locateJindosdk }] = await Promise.all([
      import('./store.ts'),
      import('./locate.ts'),
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
    return openOssHdfsStore({
      ...config,
      library: locateJindosdk(places, existsSync),
      logFolder: path.join(stateDir, '_jindosdk'),
      callsMax: Math.max(2, poolThreads - POOL_THREADS_KEPT),
      log,
    });
  },
  describe({ ossBucket, region, address }) {
    return `OSS-HDFS · bucket ${ossBucket} · region ${region ?? 'unknown'} · at ${ossWayText(address)}`;
  },
  facts: ({ ossBucket, region, address }) => ({ ossBucket, region, address: ossAddressText(address) }),
};

function ossKeys(context: SchemaContext) {
  return {
    ...sharedOssKeys(context),
    jindosdk: map({
      library: existingFile(context, "JindoSDK's shared library")
        .optional()
        .meta({ description: "JindoSDK's shared library; without it the usual places are looked through." }),
    })
      .optional()
      .meta({ description: 'JindoSDK, through which OSS-HDFS is reached.' }),
  };
}
