/** The settings of JindoSDK. Its own defaults suit one big job on a machine of its own. */
import type { OssCredentials } from '../alibaba/credentials.ts';

/** A folder that JindoSDK reads the keys from: at the start, and whenever a request is refused. */
export interface KeyFolder {
  readonly folder: string;
}

/** Where the bucket is, and whose credentials access it. */
export interface JindoAddress {
  readonly ossBucket: string;
  /** Null if nothing names it: JindoSDK derives it from the host. */
  readonly region: string | null;
  readonly address: {
    readonly host: string;
    /** Null: the port of the scheme. */
    readonly port: number | null;
    readonly https: boolean;
    /** Whether the bucket is the first segment of the path, not a prefix of the host name. */
    readonly pathStyle: boolean;
  };
  readonly credentials: OssCredentials | KeyFolder;
  /** Folder of JindoSDK's own log, which never goes to the terminal. */
  readonly logFolder: string;
}

/**
 * Limit of JindoSDK's buffers for all files of the process together; its own default is above 6 GB. Part of
 * the memory that a job takes.
 */
export const JINDO_MEMORY_MIB_MAX = 256;

/** Per request. With the retries below, a call ends after about a minute, whether it succeeds or fails. */
const REQUEST_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 3_000;
const RETRIES = 3;
const RETRY_PAUSE_MS = 500;

export function jindoSettings(options: JindoAddress, unflushedFolder: string): ReadonlyMap<string, string> {
  const { region, address, credentials, logFolder } = options;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return new Map([
    ['fs.oss.endpoint', address.port === null ? host : `${host}:${address.port}`],
    ['fs.oss.https.enable', String(address.https)],
    ['fs.oss.second.level.domain.enable', String(address.pathStyle)],
    ['fs.oss.data.lake.storage.enable', 'true'],
    ...(region === null ? [] : ([['fs.oss.region', region]] as const)),
    ...keySettings(credentials),
    // A merging flush rewrites earlier blocks, even after another owner has taken the file over. An append
    // begins a new block.
    ['fs.oss.flush.merge.threshold.size', '0'],
    ['fs.oss.append.threshold.size', '0'],
    ['fs.oss.checksum.crc64.enable', 'true'],
    ['fs.oss.tmp.data.dirs', unflushedFolder],
    ['fs.jdo.memory.pool.size.max.mb', String(JINDO_MEMORY_MIB_MAX)],
    ['fs.oss.memory.pool.size.max.mb', String(JINDO_MEMORY_MIB_MAX)],
    ['fs.oss.read.readahead.prefetch.size.max', String(16 * 1024 * 1024)],
    ['fs.oss.timeout.millisecond', String(REQUEST_TIMEOUT_MS)],
    ['fs.oss.io.timeout.millisecond', String(REQUEST_TIMEOUT_MS)],
    ['fs.oss.connection.timeout.millisecond', String(CONNECT_TIMEOUT_MS)],
    ['fs.oss.retry.count', String(RETRIES)],
    ['fs.oss.retry.interval.millisecond', String(RETRY_PAUSE_MS)],
    ['fs.jdo.metrics.level', '0'],
    ['logger.appender', 'file'],
    ['logger.dir', logFolder],
    // Warnings and worse.
    ['logger.level', '1'],
    // The log cleaner prints complaints to the terminal.
    ['logger.cleaner.enable', 'false'],
  ]);
}

function keySettings(credentials: OssCredentials | KeyFolder): (readonly [string, string])[] {
  if ('folder' in credentials)
    return [
      ['fs.oss.provider.endpoint', `secrets://${credentials.folder}/`],
      ['fs.oss.provider.format', 'JSON'],
    ];
  const { accessKeyId, accessKeySecret, securityToken } = credentials;
  return [
    ['fs.oss.accessKeyId', accessKeyId.reveal()],
    ['fs.oss.accessKeySecret', accessKeySecret.reveal()],
    ...(securityToken === null ? [] : ([['fs.oss.securityToken', securityToken.reveal()]] as const)),
  ];
}
