/** A folder on the local disk, looked at with node:fs. */
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Pacer } from '../../../journal/port.ts';
import type { Store } from '../../../src/stores/port.ts';
import type { StoreHarness } from './scene.ts';

/** Pauses take no time. */
export const impatient: Pacer = {
  nowMs: () => performance.now(),
  pause: () => new Promise((resolve) => setImmediate(resolve)),
};

const hiddenToReaders = (path: string): boolean => path.split('/').some((segment) => /^[._]/.test(segment));
const isMarker = (path: string): boolean =>
  /^\.tidemark\/[a-z0-9-]+$/.test(dirname(path)) || path.startsWith('.tidemark/_witness/');

async function pathsBelow(folder: string, what: 'files' | 'everything'): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const wanted = what === 'files' ? entries.filter((entry) => entry.isFile()) : entries;
  return wanted.map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

const absent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** What `cp -al` makes: folders of its own, and a hard link for every file, hidden ones included. */
export async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [one, other] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkAll(one, other);
    else await link(one, other);
  }
}

export async function localHarness(newStore: (pacer: Pacer) => Store): Promise<StoreHarness> {
  const base = await mkdtemp(join(tmpdir(), 'tidemark-store-'));
  const sink = join(base, 'lake');
  await mkdir(sink);
  const pathOf = (uri: string): string => uri.slice('file://'.length);
  let backups = 0;
  return {
    sinkUri: `file://${sink}`,
    newStore: () => newStore(impatient),
    readers: async () => {
      const files = new Map<string, Buffer>();
      for (const path of await pathsBelow(sink, 'files')) {
        if (!hiddenToReaders(path)) files.set(path, await readFile(join(sink, path)));
      }
      return files;
    },
    leftovers: async () => {
      const everything = await pathsBelow(sink, 'everything').catch((error: unknown) => {
        // Something vanished while the folder was listed: not a state that a test may judge.
        if (absent(error)) throw new Error('the sink changed while its leftovers were listed');
        throw error;
      });
      const folders = everything.filter((path) => path === '.tidemark' || dirname(path) === '.tidemark');
      const markers = folders.filter((path) => !/\/\./.test(path));
      return everything.filter((path) => hiddenToReaders(path) && !isMarker(path) && !markers.includes(path));
    },
    put: async (uri, bytes) => {
      await mkdir(dirname(pathOf(uri)), { recursive: true });
      await writeFile(pathOf(uri), bytes);
    },
    remove: (uri) => rm(pathOf(uri)),
    backUp: async () => {
      backups += 1;
      const backup = join(base, `backup-${backups}`);
      await linkAll(sink, backup);
      return () => rm(backup, { recursive: true });
    },
    dispose: () => rm(base, { recursive: true }),
  };
}
