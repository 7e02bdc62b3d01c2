/**
 * Locates JindoSDK's library. It belongs to Alibaba, and no licence to redistribute it is stated. So it is
 * never part of this package: the user provides it.
 */
import path from 'node:path';
import { TidemarkError } from '../../../journal/errors.ts';

/** The tested version, which `npm run jindosdk` fetches. */
export const JINDOSDK_VERSION = '6.10.4';

export interface JindosdkPlaces {
  /** `sink.jindosdk.library` of the job file. Null if it is not set. */
  readonly configured: string | null;
  /** Value of TIDEMARK_JINDOSDK. */
  readonly fromEnvironment: string | null;
  /** JINDOSDK_HOME, as Alibaba's own installation sets it. */
  readonly jindosdkHome: string | null;
  /** Cache folder of this user (XDG_CACHE_HOME, or ~/.cache). Null for a user without a home. */
  readonly cacheHome: string | null;
}

/** The folder that `npm run jindosdk` fills with the unpacked package from PyPI. Each version has its own. */
export function jindosdkCache(cacheHome: string): string {
  return path.join(cacheHome, 'tidemark', 'jindosdk', JINDOSDK_VERSION);
}

/** The library in that folder. */
export function cachedLibrary(cacheHome: string): string {
  return path.join(jindosdkCache(cacheHome), 'pyjindo', 'libjindosdk_python.so');
}

function usualPlaces({ jindosdkHome, cacheHome }: JindosdkPlaces): string[] {
  const names = process.platform === 'darwin' ? ['libjindosdk_c.dylib'] : ['libjindosdk_c.so'];
  const folders = [
    ...(jindosdkHome === null
      ? []
      : [path.join(jindosdkHome, 'lib', 'native'), path.join(jindosdkHome, 'lib')]),
    '/opt/jindosdk/lib/native',
    '/opt/apps/JINDOSDK/jindosdk-current/lib/native',
    '/usr/local/lib',
    '/usr/lib64',
    '/usr/lib',
  ];
  return [
    ...folders.flatMap((folder) => names.map((name) => path.join(folder, name))),
    ...(cacheHome === null ? [] : [cachedLibrary(cacheHome)]),
  ];
}

/**
 * The library's file: the configured one, or the first in the usual places. JINDOSDK_UNAVAILABLE if there is
 * none.
 */
export function locateJindosdk(places: JindosdkPlaces, isThere: (file: string) => boolean): string {
  const { configured, fromEnvironment } = places;
  const named = configured ?? fromEnvironment;
  if (named !== null) {
    if (isThere(named)) return named;
    const where = configured === null ? 'TIDEMARK_JINDOSDK' : 'sink.jindosdk.library';
    throw unavailable(`${where} names ${named}, and there is no such file.`, [named]);
  }
  const candidates = usualPlaces(places);
  const found = candidates.find(isThere);
  if (found !== undefined) return found;
  throw unavailable('OSS-HDFS is written through JindoSDK, whose library was not found.', candidates);
}

export function unavailable(message: string, files: readonly string[], cause?: unknown): TidemarkError {
  return new TidemarkError(
    'JINDOSDK_UNAVAILABLE',
    `${message} Two ways to get it: unpack Alibaba's own download of JindoSDK (6.8 or newer) and name ` +
      'its libjindosdk_c.so in sink.jindosdk.library or TIDEMARK_JINDOSDK; or, in a checkout ' +
      `on x86-64 Linux, run \`npm run jindosdk\`, which fetches version ${JINDOSDK_VERSION} from PyPI ` +
      'into your cache folder.',
    { fields: { files }, ...(cause === undefined ? {} : { cause }) },
  );
}
