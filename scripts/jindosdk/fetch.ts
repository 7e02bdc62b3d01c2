/**
 * JindoSDK for tests, and for anyone who wants to try OSS-HDFS: the package pyjindosdk from PyPI, unpacked
 * into the user's cache folder. Its licence is not stated, so each user fetches it, and it never goes into
 * the checkout or a package.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { cachedLibrary, JINDOSDK_VERSION, jindosdkCache } from '../../src/stores/ossHdfs/locate.ts';
import { type Log, messageOf, ServiceUnavailableError } from '../services/common.ts';
import { findCommand, processIdentity, runCommand } from '../services/processes.ts';

/** Hash of the wheel for x86-64 Linux: native code runs only if it is the code that was tested. */
const WHEEL_SHA256 = '08eb3d9418ac274cd1ad16d7b9f48c54cb6e774c6b29680d8f26e90326395e9e';

export interface FetchedJindosdk {
  /** libjindosdk_python.so, which contains the whole C API. */
  readonly library: string;
  /** Put on PYTHONPATH, it makes `import pyjindo` work. */
  readonly pythonPath: string;
}

export function userCacheHome(env: NodeJS.ProcessEnv): string {
  const named = env['XDG_CACHE_HOME'];
  return named !== undefined && path.isAbsolute(named) ? named : path.join(homedir(), '.cache');
}

/**
 * Returns the unpacked package; fetches it first if it is missing. The folder is filled under a temporary
 * name and renamed, so an interrupted fetch is never used. Throws ServiceUnavailableError if this machine
 * cannot have it.
 */
export async function fetchJindosdk(
  log: Log,
  options: { readonly cacheHome?: string; readonly signal?: AbortSignal } = {},
): Promise<FetchedJindosdk> {
  const cacheHome = options.cacheHome ?? userCacheHome(process.env);
  const target = jindosdkCache(cacheHome);
  const fetched = { library: cachedLibrary(cacheHome), pythonPath: target };
  if (existsSync(target)) return fetched;
  const python = usablePython();
  await mkdir(path.dirname(target), { recursive: true });
  await removeAbandoned(path.dirname(target));
  const aside = await mkdtemp(`${target}.partial-${String(process.pid)}-`);
  log(`getting pyjindosdk ${JINDOSDK_VERSION} from PyPI (18 MB) ...`);
  try {
    await unpack(python, aside, options.signal);
    await rename(path.join(aside, 'unpacked'), target);
  } catch (error) {
    if (existsSync(target)) return fetched; // another process was faster
    options.signal?.throwIfAborted();
    const message = `pyjindosdk ${JINDOSDK_VERSION} cannot be had: ${messageOf(error)}`;
    throw new ServiceUnavailableError(message, { cause: error });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return fetched;
}

function usablePython(): string {
  const problem = (why: string): ServiceUnavailableError =>
    new ServiceUnavailableError(`pyjindosdk ${JINDOSDK_VERSION} cannot be had: ${why}`);
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw problem(`it is for x86-64 Linux only, this is ${process.platform} on ${process.arch}`);
  const python = findCommand('python3') ?? findCommand('python');
  if (python === undefined) throw problem('not on the PATH: python3 (with pip)');
  return python;
}

async function unpack(python: string, aside: string, signal: AbortSignal | undefined): Promise<void> {
  const requirements = path.join(aside, 'requirements.txt');
  await writeFile(requirements, `pyjindosdk==${JINDOSDK_VERSION} --hash=sha256:${WHEEL_SHA256}\n`);
  // The tags are explicit, so that any Python with pip works.
  const tags = [
    '--python-version=3.11',
    '--implementation=cp',
    '--abi=abi3',
    '--platform=manylinux_2_34_x86_64',
  ];
  const pip = ['-m', 'pip', 'download', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  const args = [...pip, ...tags, '--require-hashes', '-r', requirements, '-d', aside];
  await runCommand(python, args, { signal });
  const wheel = (await readdir(aside)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip has downloaded no wheel');
  await runCommand(python, ['-m', 'zipfile', '-e', path.join(aside, wheel), path.join(aside, 'unpacked')], {
    signal,
  });
}

/** Removes the leftovers of fetches that were killed. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /\.partial-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || processIdentity(Number(pid)) !== undefined) continue;
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
}
