/**
 * Publishing: rename(2) to a second hidden name, link(2) to the final name, which refuses to overwrite, then
 * unlink. At every instant the data has at least one name, and under the final one it is complete.
 *
 * A file under its temporary name was never published, however many links it has: a backup with hard links
 * adds some. Only under the second hidden name it may have been published. There, an extra link means that it
 * was, and that a reader has moved it away.
 */
import type { BigIntStats } from 'node:fs';
import { dirname } from 'node:path/posix';
import type { TidemarkError } from '../../../journal/errors.ts';
import type { Pacer } from '../../../journal/port.ts';
import type { DurablePart } from '../port.ts';
import { contentDiffers, fileMissing, StoreFailure } from '../failure.ts';
import { verifyFile } from './content.ts';
import { failed, hasSystemCode, outcomeUnknown, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';
import { publishingPathOf, type PartPaths } from './paths.ts';
import type { Turns } from '../../system/turns.ts';

/** A network file system may show a rename late. A file is reported missing only after so many probes. */
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

  /**
   * Publishes a file that this process closed. Its running checksum is known, so only its length is compared.
   */
  async commit(paths: PartPaths, durable: DurablePart): Promise<void> {
    const temporary = await this.#look(paths.temporary);
    if (temporary !== null && (await this.#look(paths.final)) === null) {
      if (temporary.size !== BigInt(durable.length)) {
        const difference = `holds ${temporary.size} bytes, ${durable.length} were journaled`;
        throw contentDiffers(paths.temporary, difference, `It is not published as ${paths.final}.`, [
          paths.final,
        ]);
      }
      if (await this.#publish(paths, temporary)) return;
    }
    await this.ensurePublished(paths, durable);
  }

  /** Publishes a file of an earlier owner, unless somebody has already done so. */
  async ensurePublished(paths: PartPaths, durable: DurablePart): Promise<void> {
    let missing = 0;
    for (let probe = 1; probe <= RACES_MAX; probe += 1) {
      const found = await this.#ensureOnce(paths, durable);
      if (found === 'done') return;
      missing = found === 'raced' ? 0 : missing + 1;
      if (missing === MISSING_PROBES) throw lost(paths, durable, found === 'movedAway');
      if (missing > 0) await this.#pacer.pause(MISSING_PAUSE_MS);
    }
    const changing = new Error('its names kept changing while they were looked at');
    throw unavailable('publish', paths.final, changing);
  }

  /**
   * Probes the names in the order in which the file gets them. A publisher creates each name before it
   * removes the previous one, so finding none in this order is an error. `raced`: another owner publishes the
   * file too; probe again.
   */
  async #ensureOnce(
    paths: PartPaths,
    durable: DurablePart,
  ): Promise<'done' | 'raced' | 'missing' | 'movedAway'> {
    const temporary = await this.#look(paths.temporary);
    const publishing = await this.#look(paths.publishing);
    const final = await this.#look(paths.final);
    if (final !== null) {
      const read = await this.#verify(final, paths.final, durable);
      if (read === null) return 'raced';
      if (read.difference !== null)
        throw foreign(paths.final, publishing === null ? paths.temporary : paths.publishing, read.difference);
      await this.#folders.makeDurable(dirname(paths.final));
      await this.#removeHidden(paths.temporary);
      return 'done';
    }
    const found = publishing ?? temporary;
    if (found === null) return 'missing';
    // An extra link that is not the final name: the file was published, and a reader has moved it. Publishing
    // again would duplicate it.
    if (found === publishing && found.nlink > 1n) return 'movedAway';
    const path = found === publishing ? paths.publishing : paths.temporary;
    const read = await this.#verify(found, path, durable);
    if (read === null) return 'raced';
    if (read.difference !== null) {
      const advice = `It is not published as ${paths.final}: restore it, then resume.`;
      throw contentDiffers(path, read.difference, advice, [paths.final]);
    }
    const isDone = found === publishing ? this.#link(paths, found) : this.#publish(paths, found);
    return (await isDone) ? 'done' : 'raced';
  }

  #verify(found: BigIntStats, path: string, durable: DurablePart): ReturnType<typeof verifyFile> {
    if (!found.isFile()) return Promise.resolve({ difference: 'is no regular file' });
    return this.#turns.during(() => verifyFile(this.#fs, path, durable));
  }

  /**
   * Removes a temporary file durably, under either of its hidden names. If it is already gone, makes that
   * durable.
   */
  async #removeHidden(temporary: string): Promise<void> {
    await this.unlinkHidden(temporary);
    await this.#folders.makeDurableIfPresent(dirname(temporary));
  }

  /**
   * Removes the names in the order in which a publisher creates them, so that a concurrent rename leaves
   * none.
   */
  async unlinkHidden(temporary: string): Promise<void> {
    await this.#unlink(temporary);
    await this.#unlink(publishingPathOf(temporary));
  }

  async #unlink(path: string): Promise<void> {
    try {
      await this.#fs.unlink(path);
    } catch (cause) {
      if (!hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) throw failed('remove', path, cause);
    }
  }

  /** Publishes the file found under the temporary name. False if a name is no longer as expected. */
  async #publish(paths: PartPaths, found: BigIntStats): Promise<boolean> {
    if (!(await this.#rename(paths.temporary, paths.publishing))) return false;
    try {
      // Made durable, because after a power cut the temporary name would say that the file was never
      // published.
      await this.#folders.makeDurable(dirname(paths.publishing));
    } catch (error) {
      await this.#takeBack(paths, found);
      throw error;
    }
    return this.#link(paths, found);
  }

  /** The file was not published. A backup taken before the next attempt must not make it look published. */
  async #takeBack({ temporary, publishing }: PartPaths, { nlink }: BigIntStats): Promise<void> {
    if ((await this.#look(publishing))?.nlink === nlink) await this.#rename(publishing, temporary);
  }

  async #rename(from: string, to: string): Promise<boolean> {
    try {
      await this.#fs.rename(from, to);
      return true;
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return false;
      throw failed('rename', from, cause);
    }
  }

  /** Gives the file its final name. False if a name is no longer as expected. */
  async #link(paths: PartPaths, found: BigIntStats): Promise<boolean> {
    if (!(await this.#tryLink(paths, found))) {
      if ((await this.#look(dirname(paths.final))) !== null) return false;
      await this.#folders.make(dirname(paths.final));
      if (!(await this.#tryLink(paths, found))) return false;
    }
    // The final name must be durable before the hidden one is removed.
    await this.#folders.makeDurable(dirname(paths.final));
    await this.#removeHidden(paths.temporary);
    return true;
  }

  async #tryLink(paths: PartPaths, found: BigIntStats): Promise<boolean> {
    const { temporary, publishing, final } = paths;
    try {
      await this.#fs.link(publishing, final);
      return true;
    } catch (cause) {
      if (hasSystemCode(cause, 'EEXIST', 'ENOENT')) return false;
      const cannot = hasSystemCode(cause, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK');
      const isRefused = cannot || hasSystemCode(cause, 'ENOSPC', 'EDQUOT');
      if (isRefused) await this.#takeBack(paths, found);
      if (cannot) throw cannotLink(final, temporary, cause);
      throw isRefused ? unavailable('publish', final, cause) : outcomeUnknown('publish', final, cause);
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
  const message =
    `Cannot publish ${final}: its file system gives ${temporary} no second name (hard link). ` +
    'Files are published by link(2), since a rename could overwrite. Put sink.path on a file system with ' +
    'hard links (ext4, xfs, btrfs, zfs, NFS; not FAT or exFAT), all of it on one, ' +
    'and run Tidemark as the user who owns the temporary files.';
  return new StoreFailure('unavailable', message, { affected: { files: [temporary, final] }, cause });
}

function foreign(final: string, own: string, difference: string): TidemarkError {
  const advice =
    `Another file is where ${own} is to be published, and is left alone. ` +
    'Compare the two, move the foreign one away, then resume.';
  return contentDiffers(final, difference, advice, [own]);
}

function lost(paths: PartPaths, durable: DurablePart, movedAway: boolean): TidemarkError {
  const { temporary, publishing, final } = paths;
  const story = movedAway
    ? `${final} is gone, though ${publishing} has another link: ` +
      'either it was published, and moved away before that was journaled, or a backup has linked it ' +
      `in the moment before. \`find -samefile\` tells which: where a backup alone has it, ` +
      `give ${publishing} an inode of its own (copy it, rename the copy over it), then resume; else put`
    : `Neither ${temporary} nor ${final} is there, ` +
      `though ${durable.length} bytes were journaled as durable. Put`;
  const files = [movedAway ? publishing : temporary, final];
  return fileMissing(`${story} the file back under its final name, then resume.`, files);
}
