/** Parses the texts of an `oss://` destination: its path and the addresses of servers. Pure: no lookup. */
import { isIP } from 'node:net';
import { hasControl } from '../../../kernels/schema/values.ts';

/** Address of an OSS server. */
export interface OssAddress {
  /** A lower-case name or an IP; IPv6 without brackets. Never prefixed with the bucket. */
  readonly host: string;
  /** Null: the port of the scheme. */
  readonly port: number | null;
  readonly https: boolean;
  /** Whether the bucket is the first segment of the path, not a prefix of the host name. */
  readonly pathStyle: boolean;
}

export type OssKind = 'oss-hdfs' | 'oss';

/** What the host name of an Alibaba Cloud endpoint says. */
export interface OssEndpoint {
  readonly host: string;
  readonly kind: OssKind;
  /** Like `cn-hangzhou`. */
  readonly region: string;
}

export interface OssPath {
  readonly ossBucket: string;
  /** Null if the path names only the bucket. */
  readonly endpoint: OssEndpoint | null;
  /** Segments joined by `/`, with none at either end. Empty for the whole bucket. */
  readonly folder: string;
}

type Parsed<T> =
  { readonly type: 'parsed'; readonly value: T } | { readonly type: 'invalid'; readonly reason: string };

export const OSS_SCHEME = 'oss://';
export const OSS_HDFS_EXAMPLE = 'oss://bucket.<region>.oss-dls.aliyuncs.com/folder';
export const OSS_EXAMPLE = 'oss://bucket.oss-<region>.aliyuncs.com/folder';
export const REGION_PATTERN = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Rule of OSS: 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end. */
const BUCKET_PATTERN = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
/** Regions of Alibaba contain a hyphen. `oss-dls` is not a region. */
const ENDPOINT_REGION = /^[a-z0-9]+(-[a-z0-9]+)+$/;
/** `<region>.oss-dls.aliyuncs.com`, also written `<region>.oss-hdfs.aliyuncs.com`. */
const OSS_HDFS_ENDPOINT = /^([a-z0-9-]+?)(?:-internal)?\.oss-(?:dls|hdfs)\.aliyuncs\.com$/;
/** `oss-<region>.aliyuncs.com` and `oss-<region>-internal.aliyuncs.com`. */
const OSS_ENDPOINT = /^oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$/;

/**
 * Parses `oss://bucket/folder` or `oss://bucket.endpoint/folder`. The reason never shows text that may be an
 * access key.
 */
export function parseOssPath(text: string): Parsed<OssPath> {
  const [authority = '', ...steps] = text.slice(OSS_SCHEME.length).split('/');
  const dot = authority.indexOf('.');
  const ossBucket = dot === -1 ? authority : authority.slice(0, dot);
  const host = dot === -1 ? null : authority.slice(dot + 1).toLowerCase();
  const folder = steps.filter((step) => step !== '');
  const endpoint = host === null ? null : readOssEndpoint(host);
  const reason =
    authorityProblem(text, authority, ossBucket) ??
    (host !== null && endpoint === null ? unknownEndpoint(ossBucket, host) : null) ??
    (folder.some((step) => step === '.' || step === '..') ? 'holds "." or ".." as a folder' : null);
  if (reason !== null) return { type: 'invalid', reason };
  return { type: 'parsed', value: { ossBucket, endpoint, folder: folder.join('/') } };
}

function authorityProblem(text: string, authority: string, ossBucket: string): string | null {
  if (text.includes('@') && !/^[A-Za-z0-9._-]+\//.test(text.slice(OSS_SCHEME.length)))
    return 'holds an "@" (an access key belongs into sink.credentials, better into the environment)';
  if (authority.includes(':'))
    return 'holds a ":" in front of the folder (the address of a server belongs into sink.endpoint)';
  if (ossBucket === '') return 'names no bucket';
  return BUCKET_PATTERN.test(ossBucket)
    ? null
    : `names the bucket ${JSON.stringify(ossBucket)}, which OSS does not allow ` +
        '(3 to 63 lower-case letters, digits and "-", beginning and ending with a letter or digit)';
}

function unknownEndpoint(ossBucket: string, host: string): string {
  const whole = `${ossBucket}.${host}`;
  if (readOssEndpoint(whole) !== null) return `names the endpoint "${whole}" without a bucket in front of it`;
  return (
    `names the bucket "${ossBucket}" and the endpoint ${JSON.stringify(host)}, which is one neither of ` +
    'OSS-HDFS (<region>.oss-dls.aliyuncs.com) nor of OSS (oss-<region>.aliyuncs.com); ' +
    'another address belongs into sink.endpoint'
  );
}

/** Null if the host is not an endpoint of OSS-HDFS or OSS. */
export function readOssEndpoint(host: string): OssEndpoint | null {
  for (const [kind, pattern] of [
    ['oss-hdfs', OSS_HDFS_ENDPOINT],
    ['oss', OSS_ENDPOINT],
  ] as const) {
    const [, region] = pattern.exec(host) ?? [];
    if (region !== undefined && ENDPOINT_REGION.test(region)) return { host, kind, region };
  }
  return null;
}

const ADDRESS = new RegExp(
  String.raw`^(?:(?<scheme>https?)://)?(?:\[(?<ipv6>[0-9A-Fa-f:.]+)\]|(?<name>[A-Za-z0-9.-]+))` +
    String.raw`(?::(?<port>\d{1,5}))?/?$`,
);
const HOST_PATTERN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/**
 * Parses host, host:port or an http(s) URL. Without a scheme, the address is https, but http for this
 * machine. For an IP or localhost the bucket is part of the path, because such a host has no subdomains.
 */
export function parseOssAddress(text: string): Parsed<OssAddress> {
  if (text.includes('@'))
    return { type: 'invalid', reason: 'holds an "@" (an access key belongs into sink.credentials)' };
  const { scheme, ipv6, name, port } = ADDRESS.exec(text)?.groups ?? {};
  const host = (ipv6 ?? name ?? '').toLowerCase();
  const isAddress = isIP(host) !== 0;
  const portNumber = port === undefined ? null : Number(port);
  const isHost = ipv6 === undefined ? isName(host) || isIP(host) === 4 : isIP(host) === 6;
  if (!isHost || (portNumber !== null && (portNumber < 1 || portNumber > 65_535)))
    return { type: 'invalid', reason: `${JSON.stringify(text)} is no address of a server` };
  const https = scheme === undefined ? !isLoopback(host) : scheme === 'https';
  const pathStyle = isAddress || host === 'localhost';
  return { type: 'parsed', value: { host, port: portNumber, https, pathStyle } };
}

/** A last label of digits would be read as an IP. */
function isName(host: string): boolean {
  return HOST_PATTERN.test(host) && !/(^|\.)\d+$/.test(host);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** `https://host:port`, for display. */
export function ossAddressText({ host, port, https }: OssAddress): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return `${https ? 'https' : 'http'}://${name}${port === null ? '' : `:${port}`}`;
}

/** The address as a sentence says it. */
export function ossWayText(address: OssAddress): string {
  return `${ossAddressText(address)}${address.pathStyle ? ', the bucket in the path' : ''}`;
}

/** Null for a path without a problem. */
export function ossPathProblem(text: string): string | null {
  // Parsed before anything is quoted, since the text may hold an access key.
  const parsed = parseOssPath(text);
  if (hasControl(text)) return 'holds a control character';
  return parsed.type === 'parsed' ? null : parsed.reason;
}

/** `oss://bucket/folder`, without the endpoint, so that a file keeps its name whichever endpoint is used. */
export function ossUri(text: string): string {
  const parsed = parseOssPath(text);
  if (parsed.type !== 'parsed') return text;
  const { ossBucket, folder } = parsed.value;
  return `${OSS_SCHEME}${ossBucket}${folder === '' ? '' : `/${folder}`}`;
}
