/** OSS-HDFS as destination: an OSS bucket with the HDFS service, written through JindoSDK. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { existingFile, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { map } from '../../../kernels/schema/parts.ts';
import type { SinkConfig } from '../../config/jobConfig.ts';
import {
  credentialsOf,
  credentialsText,
  isProvider,
  ownCredentialProblems,
  type CredentialsConfig,
} from '../alibaba/credentialKeys.ts';
import { isOssPath, ossDestination, ossKindOf, ossProblems, readOssKeys } from '../alibaba/keys.ts';
import { ossAddressText, ossPathProblem, ossUri, ossWayText, type OssAddress } from '../alibaba/path.ts';
import { sharedOssKeys } from '../alibaba/sharedKeys.ts';
import type { OssCredentials } from '../alibaba/credentials.ts';
import type { StoreKind, StoreOpening } from '../kind.ts';
import type { JindoKeys } from './jindoKeys.ts';
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
  pathIs: 'an oss:// path of OSS-HDFS',
  keys: ossKeys,
  /** Also one that tells no service, or is invalid: the problem is reported once. */
  takes: (sink) => isOssPath(sink) && ossKindOf(sink) !== 'oss',
  pathProblem: ossPathProblem,
  problems(sink, context) {
    const keys = readOssKeys(sink);
    const isComplete = keys !== null && ossDestination(keys)?.kind === 'oss-hdfs';
    const problems = ownCredentialProblems(sink['credentials'], context, isComplete);
    if (keys !== null) problems.push(...ossProblems(keys, sink['endpoint'] !== undefined));
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
  async open(config, opening) {
    const [{ openOssHdfsStore }, { locateJindosdk }] = await Promise.all([
      import('./store.ts'),
      import('./locate.ts'),
    ]);
    // Found first: what cannot be opened leaves no files of keys.
    const library = locateJindosdk(placesOf(config, opening), existsSync);
    return openOssHdfsStore({
      ...config,
      credentials: await credentialsFor(config, opening),
      library,
      logFolder: logFolderOf(opening),
      callsMax: callsMaxOf(opening),
      log: opening.log,
    });
  },
  async probe(config, probing) {
    const [{ ossHdfsProbe }, { locateJindosdk }] = await Promise.all([
      import('./probe.ts'),
      import('./locate.ts'),
    ]);
    return ossHdfsProbe({
      ...config,
      credentials: await credentialsFor(config, probing),
      locate: () => locateJindosdk(placesOf(config, probing), existsSync),
      logFolder: logFolderOf(probing),
      callsMax: callsMaxOf(probing),
      sinkUri: config.uri,
      scratchUri: probing.scratchUri,
      log: probing.log,
      wallMs: () => probing.clock.wallMs(),
    });
  },
  describe({ ossBucket, region, address, credentials }) {
    const where = `bucket ${ossBucket} · region ${region ?? 'unknown'} · at ${ossWayText(address)}`;
    return `OSS-HDFS · ${where}${isProvider(credentials) ? ` · ${credentialsText(credentials)}` : ''}`;
  },
  facts: ({ ossBucket, region, address, credentials }) => ({
    ...{ ossBucket, region, address: ossAddressText(address) },
    ...(isProvider(credentials) ? { credentials: credentialsText(credentials) } : {}),
  }),
};

/** Keys that end, in files that JindoSDK reads again; or those that stay. */
async function credentialsFor(
  { credentials }: OssHdfsSinkConfig,
  opening: StoreOpening,
): Promise<OssCredentials | JindoKeys> {
  if (!isProvider(credentials)) return credentials;
  const { openJindoKeys } = await import('./jindoKeys.ts');
  const { log, clock, conditions } = opening;
  const ownFolder = path.join(logFolderOf(opening), 'keys');
  return openJindoKeys(credentials, { log, clock, conditions, ownFolder });
}

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
