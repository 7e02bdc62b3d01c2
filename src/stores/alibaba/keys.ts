/** Combines the keys of an `oss://` sink: which service, in which region, at which address. */
import type { KeyProblem } from '../../../kernels/schema/parts.ts';
import {
  OSS_EXAMPLE,
  OSS_HDFS_EXAMPLE,
  OSS_SCHEME,
  parseOssAddress,
  parseOssPath,
  readOssEndpoint,
  type OssEndpoint,
  type OssAddress,
  type OssKind,
  type OssPath,
} from './path.ts';

export interface OssDestination {
  readonly kind: OssKind;
  readonly region: string | null;
  readonly address: OssAddress;
}

/** Keys of the job file. A key that is missing or invalid is null. */
interface OssKeys {
  readonly path: OssPath;
  readonly kind: OssKind | null;
  readonly region: string | null;
  readonly address: OssAddress | null;
}

const KIND_NAMES: Readonly<Record<OssKind, string>> = { 'oss-hdfs': 'OSS-HDFS', oss: 'plain OSS' };

/** Null if the path is invalid. */
export function readOssKeys(value: Readonly<Record<string, unknown>>): OssKeys | null {
  const text = (key: string): string | null => (typeof value[key] === 'string' ? value[key] : null);
  const path = parseOssPath(text('path') ?? '');
  if (path.type === 'invalid') return null;
  const kind = text('kind');
  const address = parseOssAddress(text('endpoint') ?? '');
  return {
    path: path.value,
    kind: kind === 'oss' || kind === 'oss-hdfs' ? kind : null,
    region: text('region'),
    address: address.type === 'parsed' ? address.value : null,
  };
}

/** The endpoint in the path defines the destination, even if `sink.endpoint` says how to reach it. */
function namedBy({ path, address }: OssKeys): OssEndpoint | null {
  return path.endpoint ?? (address === null ? null : readOssEndpoint(address.host));
}

export function isOssPath({ path }: Readonly<Record<string, unknown>>): boolean {
  return typeof path === 'string' && path.startsWith(OSS_SCHEME);
}

/** Which service the keys below `sink` lead to; null if they do not tell. */
export function ossKindOf(sink: Readonly<Record<string, unknown>>): OssKind | null {
  const keys = readOssKeys(sink);
  return keys === null ? null : (namedBy(keys)?.kind ?? keys.kind);
}

/** Null if the keys do not determine it. */
export function ossDestination(keys: OssKeys): OssDestination | null {
  const named = namedBy(keys);
  const kind = named?.kind ?? keys.kind;
  const address = keys.address ?? (keys.path.endpoint === null ? null : addressOf(keys.path.endpoint));
  if (kind === null || address === null) return null;
  return { kind, region: named?.region ?? keys.region, address };
}

function addressOf({ host }: OssEndpoint): OssAddress {
  return { host, port: null, https: true, pathStyle: false };
}

/**
 * Missing keys and contradictions. `hasEndpointKey` is true even if its
 * value is invalid.
 */
export function ossProblems(keys: OssKeys, hasEndpointKey: boolean): KeyProblem[] {
  const problems = [...contradictions(keys)];
  const named = namedBy(keys);
  const { ossBucket, endpoint } = keys.path;
  const unclear = (what: string): KeyProblem => ({
    key: ['path'],
    message:
      `names the bucket "${ossBucket}" and no endpoint, and ${what}; ` +
      `expected ${OSS_HDFS_EXAMPLE} or ${OSS_EXAMPLE}, or sink.endpoint`,
  });
  if (endpoint === null && !hasEndpointKey) problems.push(unclear('there is no sink.endpoint'));
  else if (named === null && keys.kind === null && keys.address !== null)
    problems.push(unclear(`${keys.address.host} tells neither OSS-HDFS nor OSS: set sink.kind`));
  return problems;
}

function contradictions(keys: OssKeys): KeyProblem[] {
  const problems: KeyProblem[] = [];
  const named = namedBy(keys);
  const reached = keys.address === null ? null : readOssEndpoint(keys.address.host);
  if (named === null) return [];
  if (reached !== null && (reached.kind !== named.kind || reached.region !== named.region))
    problems.push({
      key: ['endpoint'],
      message:
        `is ${describe(reached)}, but sink.path names ${describe(named)}; ` +
        'expected an address of the same',
    });
  if (keys.kind !== null && keys.kind !== named.kind)
    problems.push({
      key: ['kind'],
      message:
        `is ${keys.kind}, but ${named.host} is ${describe(named)}; ` +
        `expected ${named.kind}, or no such key`,
    });
  if (keys.region !== null && keys.region !== named.region)
    problems.push({
      key: ['region'],
      message:
        `is ${keys.region}, but ${named.host} is ${describe(named)}; ` +
        `expected ${named.region}, or no such key`,
    });
  return problems;
}

function describe({ kind, region }: OssEndpoint): string {
  return `${KIND_NAMES[kind]} in ${region}`;
}
