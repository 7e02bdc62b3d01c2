/** What `tidemark doctor` checks of a folder of this machine. */
import * as nodeFs from 'node:fs/promises';
import { constants } from 'node:fs';
import { basename, dirname, join } from 'node:path/posix';
import { check, fail, pass, warn, type Check, type Finding } from '../../../kernels/checks/check.ts';
import { fileSystemKind, roomFinding } from '../../../kernels/checks/disk.ts';
import { durationText } from '../../../kernels/checks/sizes.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import type { StoreProbe } from '../kind.ts';
import { hasSystemCode, unavailable } from './errors.ts';
import { folderPathOf } from './paths.ts';

/** Calls of node:fs/promises that the probe makes. Tests inject faults. */
export type ProbedFileSystem = Pick<
  typeof nodeFs,
  'access' | 'link' | 'mkdir' | 'open' | 'rename' | 'rm' | 'rmdir' | 'stat' | 'statfs'
>;

export interface LocalProbing {
  /** `file://` URI of the sink, and of a folder below it. */
  readonly sinkUri: string;
  readonly scratchUri: string;
  readonly fileSystem?: ProbedFileSystem;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

const SYNCS = 5;
const SLOW_SYNC_MS = 100;
/** Of a mount whose server does not answer; every other failure is a finding. */
const AWAY = ['ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENETUNREACH', 'ESTALE', 'ECONNREFUSED'] as const;

export function localProbe({ sinkUri, scratchUri, fileSystem = nodeFs, nowMs }: LocalProbing): StoreProbe {
  const probe = new LocalProbe(fileSystem, folderPathOf(sinkUri), folderPathOf(scratchUri), nowMs);
  return {
    checks: probe.checks,
    opensAfter: ['local-folder'],
    isAway: (error) => hasSystemCode(error instanceof TidemarkError ? error.cause : error, ...AWAY),
    removeScratch: () => probe.removeScratch(),
    close: async () => Promise.resolve(),
  };
}

class LocalProbe {
  readonly #fs: ProbedFileSystem;
  readonly #sink: string;
  readonly #scratch: string;
  readonly #nowMs: () => number;
  /** Folders that were not there, from the top. Null: nobody has looked, and nothing was made. */
  #missing: readonly string[] | null = null;

  constructor(fs: ProbedFileSystem, sink: string, scratch: string, nowMs: () => number) {
    this.#fs = fs;
    this.#sink = sink;
    this.#scratch = scratch;
    this.#nowMs = nowMs;
  }

  readonly checks: readonly Check[] = [
    check('local-folder', [], () => this.#folder()),
    check('local-file-system', ['local-folder'], () => this.#fileSystem()),
    check('local-disk', ['local-folder'], () => this.#disk()),
    check('local-links', ['local-folder'], () => this.#links()),
    check('local-names', ['local-folder'], () => this.#names()),
    check('local-sync', ['local-folder'], () => this.#sync()),
  ];

  async #folder(): Promise<Finding> {
    const missing: string[] = [];
    let folder = this.#scratch;
    for (; !(await this.#isThere(folder)); folder = dirname(folder)) missing.unshift(folder);
    this.#missing = missing;
    const isSinkThere = !missing.includes(this.#sink);
    const place = isSinkThere ? this.#sink : folder;
    if (!(await this.#fs.stat(place)).isDirectory())
      return fail(`${place} is no folder`, 'Correct sink.path, or move what is there away.');
    try {
      for (const each of new Set([place, folder]))
        await this.#fs.access(each, constants.W_OK | constants.X_OK);
    } catch (cause) {
      throw unavailable('write in', place, cause);
    }
    return pass(isSinkThere ? `${this.#sink} may be written` : `${this.#sink} will be made below ${folder}`);
  }

  async #isThere(path: string): Promise<boolean> {
    try {
      await this.#fs.stat(path);
      return true;
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return false;
      throw unavailable('look at', path, cause);
    }
  }

  async #fileSystem(): Promise<Finding> {
    const { name, nature } = fileSystemKind(await this.#fs.statfs(this.#standing));
    switch (nature) {
      case 'disk':
      case 'unknown':
        return pass(name);
      case 'network':
        return warn(
          `${name}: a network file system`,
          'Use it only if its hard links, its exclusive creation and fsync are those of POSIX for every ' +
            'client (NFS 4, say); the checks below see one client alone.',
        );
      case 'memory':
        return warn(`${name}: in memory`, 'Files are gone when the machine restarts: choose a disk.');
      case 'layer':
        return warn(
          `${name}: the writable layer of a container`,
          'Files are gone with the container: mount a volume at sink.path.',
        );
      case 'linkless':
        return fail(`${name}: has no hard links`, 'Choose a file system with hard links, like ext4 or xfs.');
    }
  }

  async #disk(): Promise<Finding> {
    return roomFinding(await this.#fs.statfs(this.#standing), this.#standing);
  }

  /** Names: link(2) gives one more and refuses one that is taken. Temporary and final name share a folder. */
  async #links(): Promise<Finding> {
    const [one, other] = [await this.#newFile('links-1'), await this.#newFile('links-2')];
    const name = join(this.#scratch, 'links-3');
    try {
      await this.#fs.link(one, name);
    } catch (cause) {
      if (!hasSystemCode(cause, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'))
        throw failed('link', name, cause);
      return fail(
        'a file gets no second name (hard link), by which files are published',
        'Choose a file system with hard links, like ext4, xfs, btrfs, zfs or NFS.',
      );
    }
    try {
      await this.#fs.link(other, name);
      return fail(
        'link(2) replaced a file',
        'Published files could be overwritten: choose another file system.',
      );
    } catch (cause) {
      if (!hasSystemCode(cause, 'EEXIST')) throw failed('link', name, cause);
    }
    return pass('a file gets a second name, and never one that is taken');
  }

  async #names(): Promise<Finding> {
    const path = await this.#newFile('names-a');
    if (!(await this.#isThere(join(dirname(path), basename(path).toUpperCase()))))
      return pass('names differ by upper and lower case');
    return warn(
      'upper and lower case are the same in names',
      'Buckets, topics or prefixes that differ by case alone share a folder or a name: choose another file ' +
        'system, or see that there are none.',
    );
  }

  async #sync(): Promise<Finding> {
    const path = await this.#newFile('synced');
    const took: number[] = [];
    const handle = await this.#fs.open(path, 'a');
    try {
      for (let count = 0; count < SYNCS; count += 1) {
        await handle.write(Buffer.alloc(4_096, 'x'));
        const startMs = this.#nowMs();
        await handle.datasync();
        took.push(this.#nowMs() - startMs);
      }
    } catch (cause) {
      throw failed('sync', path, cause);
    } finally {
      await handle.close();
    }
    await this.#syncFolder();
    const medianMs = took.toSorted((a, b) => a - b)[Math.floor(SYNCS / 2)] ?? 0;
    const found = `a flush to the disk takes ${durationText(medianMs)}, and folders can be flushed`;
    return medianMs < SLOW_SYNC_MS
      ? pass(found)
      : warn(found, 'Each checkpoint flushes every file that grew: choose a longer checkpoint.interval.');
  }

  async #syncFolder(): Promise<void> {
    const folder = await this.#fs.open(this.#scratch, 'r');
    try {
      await folder.sync();
    } catch (cause) {
      throw failed('sync the folder', this.#scratch, cause);
    } finally {
      await folder.close();
    }
  }

  async #newFile(name: string): Promise<string> {
    const path = join(this.#scratch, name);
    try {
      await this.#fs.mkdir(this.#scratch, { recursive: true });
      await (await this.#fs.open(path, 'wx')).close();
    } catch (cause) {
      throw failed('create', path, cause);
    }
    return path;
  }

  /** The lowest folder that was there before the first check. */
  get #standing(): string {
    return dirname(this.#missing?.[0] ?? this.#scratch);
  }

  async removeScratch(): Promise<void> {
    if (this.#missing === null) return;
    try {
      await this.#fs.rm(this.#scratch, { recursive: true, force: true });
    } catch (cause) {
      throw failed('remove', this.#scratch, cause);
    }
    for (const folder of this.#missing.toReversed()) {
      try {
        await this.#fs.rmdir(folder);
      } catch (cause) {
        // Somebody else uses it meanwhile, or it was never made.
        if (!hasSystemCode(cause, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw failed('remove', folder, cause);
      }
    }
  }
}

const failed = (doing: string, path: string, cause: unknown): TidemarkError =>
  unavailable(doing, path, cause);
