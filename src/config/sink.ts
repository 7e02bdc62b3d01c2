/** The keys below `sink` taken together: what they contradict, and what they come to. */
import { markerFolderUri, type Entropy } from '../../actors/naming.ts';
import type { OssCredentials, SinkConfig } from './jobConfig.ts';
import type { SchemaContext } from './leaves.ts';
import { OSS_SCHEME, type OssPath } from './ossPath.ts';
import {
  environmentCredentials,
  missingCredentials,
  ossDestination,
  ossProblems,
  readOssKeys,
} from './ossSink.ts';
import type { KeyProblem } from './schemaParts.ts';
import type { ParsedSink } from './schemaSink.ts';
import { fileSinkUri, isOssPath, sinkPathProblem } from './sinkPath.ts';

const OSS_KEYS = ['kind', 'endpoint', 'region', 'credentials', 'jindosdk'];

/** What is wrong between keys; silent about keys that are wrong by themselves. */
export function sinkProblems(value: Record<string, unknown>, context: SchemaContext): KeyProblem[] {
  const path = value['path'];
  if (typeof path !== 'string' || path === '' || sinkPathProblem(path, context.baseDir) !== null) return [];
  const keys = isOssPath(path) ? readOssKeys(value) : null;
  if (keys === null)
    return [...foreignKeys(value), ...entropyProblems(fileSinkUri(path, context.baseDir), value['entropy'])];
  const problems = ossProblems(keys, value['endpoint'] !== undefined);
  const isOssHdfs = ossDestination(keys)?.kind === 'oss-hdfs';
  if (isOssHdfs && value['credentials'] === undefined && environmentCredentials(context.env) === null)
    problems.push(missingCredentials(context.env));
  return [...problems, ...entropyProblems(ossUri(keys.path), value['entropy'])];
}

function foreignKeys(value: Record<string, unknown>): KeyProblem[] {
  return OSS_KEYS.filter((key) => value[key] !== undefined).map((key) => ({
    key: [key],
    message:
      'belongs to an oss:// path, but sink.path is a folder of this machine; expected one without the other',
  }));
}

/** `oss://bucket/folder`: not the endpoint, so that a file keeps its name whichever way it is reached. */
function ossUri({ ossBucket, folder }: OssPath): string {
  return `${OSS_SCHEME}${ossBucket}${folder === '' ? '' : `/${folder}`}`;
}

function entropyProblems(uri: string, entropy: unknown): KeyProblem[] {
  const key = typeof entropy === 'object' && entropy !== null && 'key' in entropy ? entropy.key : null;
  if (typeof key !== 'string' || key === '' || key.includes('/')) return [];
  const pathOf = (some: string): string => some.replace(/^[a-z]+:\/\/[^/]*/, '');
  const rest = pathOf(markerFolderUri({ sinkUri: uri, entropy: { key, length: 1 } }));
  const shown = JSON.stringify(key);
  const wrong = !pathOf(uri).includes(key)
    ? `${shown} does not stand in the path ${pathOf(uri) || '/'}; expected a part of sink.path`
    : rest.split('/').some((step) => step === '.' || step === '..')
      ? `leaves the folder ${rest} where it is taken out; expected a key that leaves no "." or ".."`
      : rest === '' && uri.startsWith('file:')
        ? `${shown} leaves the root folder where it is taken out, as for the marker; expected another folder beside it`
        : null;
  return wrong === null ? [] : [{ key: ['entropy', 'key'], message: wrong }];
}

/** The schema's rules have seen to it that the keys fit together. */
export function toSinkConfig(sink: ParsedSink, { baseDir, env }: SchemaContext): SinkConfig {
  const { format, prefix, suffix } = sink;
  const entropy: Entropy | null = sink.entropy ?? null;
  const common = { format, prefix, suffix, entropy };
  if (!isOssPath(sink.path)) return { type: 'file', uri: fileSinkUri(sink.path, baseDir), ...common };
  const keys = readOssKeys(sink);
  const destination = keys === null ? null : ossDestination(keys);
  const credentials = credentialsOf(sink) ?? environmentCredentials(env);
  if (keys === null || destination?.kind !== 'oss-hdfs' || credentials === null)
    throw new TypeError('A checked job file has a sink whose keys do not fit together.');
  const { region, address } = destination;
  return {
    ...{ type: 'oss-hdfs', uri: ossUri(keys.path), ...common },
    ...{ ossBucket: keys.path.ossBucket, region, address, credentials },
    jindosdkLibrary: sink.jindosdk?.library ?? null,
  };
}

function credentialsOf({ credentials }: ParsedSink): OssCredentials | null {
  if (credentials === undefined) return null;
  const { accessKeyId, accessKeySecret, securityToken } = credentials;
  return { accessKeyId, accessKeySecret, securityToken: securityToken ?? null };
}
