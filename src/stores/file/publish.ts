/**
 * Publishing: link(2), which refuses to overwrite, then unlink. At every instant the data stands under at least one name, and
 * under the final one only whole.
 */
import type { BigIntStats } from 'node:fs';
import { dirname } from 'node:path/posix';
import { TidemarkError } from '../../../journal/errors.ts';
import type { Pacer } from '../../../journal/port.ts';
import type { DurablePart } from '../port.ts';
import { contentDiffers, verifyFile } from './content.ts';
import { failed, hasSystemCode, outcomeUnknown, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';
import type { PartPaths } from './paths.ts';
import type { Turns } from './turns.ts';

/** A network file system may show a rename late: nothing is called missing before it was missing this often. */
const MISSING_PROBES = 5;
const MISSING_PAUSE_MS = 200;
const RACES_MAX = 50;

export class Publisher {
  readonly #fs: FileSystem;
  readonly #turns: Turns;
  readonly #folders: Folders;
  readonly #pacer: Pacer;

  constructor(fs: FileSystem, folders: Folders, pacer: Pacer, turns: Turns) {
    this.#fs = fs;
    this.#turns = turns;
    this.#folders = folders;
    this.#pacer = pacer;
  }

  /** Publishes a file that this process closed itself: its running checksum is known, its length is compared. */
  async commit(paths: PartPaths, durable: DurablePart): Promise<void> {
    const temporary = await this.#look(paths.temporary);
    if (temporary?.nlink === 1n) {
      if (temporary.size !== BigInt(durable.length)) {
        const difference = `holds ${temporary.size} bytes, ${durable.length} were journaled`;
        throw contentDiffers(paths.temporary, difference, `It is not published as ${paths.final}.`, [
          paths.final,
        ]);
      }
      if (await this.#link(paths)) return;
    }
    await this.settle(paths, durable);
  }

  /** Publishes a file of an earlier owner, or finds that somebody has done so already. */
  async settle(paths: PartPaths, durable: DurablePart): Promise<void> {
    let missing = 0;
    for (let probe = 1; probe <= RACES_MAX; probe += 1) {
      const found = await this.#settleOnce(paths, durable);
      if (found === 'done') return;
      missing = found === 'raced' ? 0 : missing + 1;
      if (missing === MISSING_PROBES) throw lost(paths, durable, found === 'movedAway');
      if (missing > 0) await this.#pacer.pause(MISSING_PAUSE_MS);
    }
    const changing = new Error('its names kept changing while they were looked at');
    throw unavailable('publish', paths.final, changing);
  }

  /**
   * Probes the temporary name first: a publisher makes the final name before it removes the temporary one, so that whoever finds
   * neither, in this order, has found something wrong. `raced`: somebody else settles too; look again.
   */
  async #settleOnce(
    paths: PartPaths,
    durable: DurablePart,
  ): Promise<'done' | 'raced' | 'missing' | 'movedAway'> {
    const temporary = await this.#look(paths.temporary);
    const final = await this.#look(paths.final);
    if (final !== null) {
      const read = await this.#verify(final, paths.final, durable);
      if (read === null) return 'raced';
      if (read.difference !== null) throw foreign(paths, read.difference);
      await this.#folders.makeDurable(dirname(paths.final));
      await this.removeTemporary(paths.temporary);
      return 'done';
    }
    if (temporary === null) return 'missing';
    // A second name that is not the final one: the file was published, and a reader has moved it. Once more would be twice.
    if (temporary.nlink > 1n) return 'movedAway';
    const read = await this.#verify(temporary, paths.temporary, durable);
    if (read === null) return 'raced';
    if (read.difference !== null) {
      const advice = `It is not published as ${paths.final}: restore it, then resume.`;
      throw contentDiffers(paths.temporary, read.difference, advice, [paths.final]);
    }
    return (await this.#link(paths)) ? 'done' : 'raced';
  }

  #verify(found: BigIntStats, path: string, durable: DurablePart): ReturnType<typeof verifyFile> {
    if (!found.isFile()) return Promise.resolve({ difference: 'is no regular file' });
    return this.#turns.during(() => verifyFile(this.#fs, path, durable));
  }

  /** Removes a temporary name, durably; where it is gone already, that is made durable. */
  async removeTemporary(temporary: string): Promise<void> {
    await this.unlink(temporary);
    await this.#folders.makeDurableIfPresent(dirname(temporary));
  }

  async unlink(temporary: string): Promise<void> {
    try {
      await this.#fs.unlink(temporary);
    } catch (cause) {
      if (!hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) throw failed('remove', temporary, cause);
    }
  }

  /** Gives the file its final name; false where one of the names is not as expected any more. */
  async #link(paths: PartPaths): Promise<boolean> {
    if (!(await this.#tryLink(paths))) {
      if ((await this.#look(dirname(paths.final))) !== null) return false;
      await this.#folders.make(dirname(paths.final));
      if (!(await this.#tryLink(paths))) return false;
    }
    // The final name first, for good; only then may the temporary one go.
    await this.#folders.makeDurable(dirname(paths.final));
    await this.removeTemporary(paths.temporary);
    return true;
  }

  async #tryLink({ temporary, final }: PartPaths): Promise<boolean> {
    try {
      await this.#fs.link(temporary, final);
      return true;
    } catch (cause) {
      if (hasSystemCode(cause, 'EEXIST', 'ENOENT')) return false;
      if (hasSystemCode(cause, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK'))
        throw cannotLink(final, temporary, cause);
      throw outcomeUnknown('publish', final, cause);
    }
  }

  async #look(path: string): Promise<BigIntStats | null> {
    try {
      return await this.#fs.lstat(path, { bigint: true });
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return null;
      throw unavailable('look at', path, cause);
    }
  }
}

export function cannotLink(final: string, temporary: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'STORE_UNAVAILABLE',
    `Cannot publish ${final}: its file system gives ${temporary} no second name (hard link). Files are published by link(2), ` +
      'since a rename could overwrite. Put sink.path on a file system with hard links (ext4, xfs, btrfs, zfs, NFS; not FAT or ' +
      'exFAT), all of it on one, and run Tidemark as the user who owns the temporary files.',
    { fields: { path: final, files: [temporary, final] }, cause },
  );
}

function foreign(paths: PartPaths, difference: string): TidemarkError {
  const advice =
    `Another file stands where ${paths.temporary} is to be published, and is left alone. Compare the two, move the foreign one ` +
    'away, then resume.';
  return contentDiffers(paths.final, difference, advice, [paths.temporary]);
}

function lost(paths: PartPaths, durable: DurablePart, movedAway: boolean): TidemarkError {
  const story = movedAway
    ? `${paths.final} is gone, though ${paths.temporary} has a second name: it was published, and moved away before that was journaled.`
    : `Neither ${paths.temporary} nor ${paths.final} is there, though ${durable.length} bytes were journaled as durable.`;
  return new TidemarkError(
    'STORE_FILE_MISSING',
    `${story} Put the file back under its final name, then resume.`,
    {
      fields: { path: paths.final, files: [paths.temporary, paths.final] },
    },
  );
}
