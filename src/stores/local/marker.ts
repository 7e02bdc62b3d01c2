/**
 * The marker that binds a destination to a journal: the folder `<sink>/.tidemark/<job>/<journal id>/`. It is
 * created under another name and renamed into place. rename(2) of a folder refuses a target that is not
 * empty, so exactly one id wins.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import { join } from 'node:path/posix';
import { JournalFailure } from '../../../journal/failure.ts';
import { journalId, type JobName, type JournalId } from '../../../journal/ids.ts';
import type { Random } from '../../system/clock.ts';
import { failed, hasSystemCode, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';
import { cannotLink } from './publish.ts';

const MARKER_FOLDER = '.tidemark';
const CLAIM_TRIES = 20;

export class Markers {
  readonly #fs: FileSystem;
  readonly #folders: Folders;
  readonly #random: Random;

  constructor(fs: FileSystem, folders: Folders, random: Random) {
    this.#fs = fs;
    this.#folders = folders;
    this.#random = random;
  }

  async read(sink: string, job: JobName): Promise<JournalId | null> {
    const folder = join(sink, MARKER_FOLDER, job);
    const names = await this.#list(folder);
    if (names.length === 0) return null;
    const [name] = names;
    try {
      if (names.length === 1 && name !== undefined) return journalId(name);
    } catch {
      // Not a journal id: reported below with everything that was found.
    }
    throw new JournalFailure(
      'replaced',
      `${folder} is to hold one folder named by the id of the job's journal, ` +
        `and holds: ${names.join(', ')}. Somebody changed it. Find out which journal wrote to ${sink} ` +
        '(tidemark status shows the id) and leave only that one.',
      { fields: { path: folder, found: names } },
    );
  }

  async claim(sink: string, job: JobName, id: JournalId): Promise<JournalId> {
    const folder = join(sink, MARKER_FOLDER);
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt += 1) {
      const standing = await this.read(sink, job);
      if (standing !== null) {
        await this.#removeLeftovers(folder, job);
        await this.#folders.makeDurable(folder);
        return standing;
      }
      await this.#folders.make(folder);
      await this.#tryMake(folder, job, id);
    }
    throw unavailable(
      'make the marker of the journal in',
      folder,
      new Error('it kept changing while it was made'),
    );
  }

  /**
   * The caller reads the marker again to learn who won: another claim may have been first, or may have
   * removed this one.
   */
  async #tryMake(folder: string, job: JobName, id: JournalId): Promise<void> {
    const aside = join(folder, `${leftoverPrefix(job)}${this.#random.hexId()}`);
    try {
      await this.#proveLinks(aside);
      await this.#fs.mkdir(join(aside, id), { recursive: true });
      await this.#folders.makeDurable(aside);
      await this.#fs.rename(aside, join(folder, job));
    } catch (cause) {
      if (!lostRace(cause)) throw failed('make the marker of the journal in', folder, cause);
    }
  }

  /** Publishing needs hard links. A failure before the first file is better than one at its end. */
  async #proveLinks(aside: string): Promise<void> {
    const [one, other] = [`${aside}.a`, `${aside}.b`];
    const handle = await this.#fs.open(one, 'wx');
    await handle.close();
    try {
      await this.#fs.link(one, other);
    } catch (cause) {
      await this.#fs.unlink(one);
      throw hasSystemCode(cause, 'ENOENT') ? cause : cannotLink(other, one, cause);
    }
    await this.#fs.unlink(one);
    await this.#fs.unlink(other);
  }

  /**
   * Removes what lost or killed claims left. A claim whose folder is removed here finds the marker in place
   * and gives up.
   */
  async #removeLeftovers(folder: string, job: JobName): Promise<void> {
    for (const name of await this.#list(folder)) {
      if (name.startsWith(leftoverPrefix(job))) await this.#removeLeftover(join(folder, name));
    }
  }

  async #removeLeftover(path: string): Promise<void> {
    try {
      if (!(await this.#fs.lstat(path)).isDirectory()) {
        await this.#fs.unlink(path);
        return;
      }
      for (const name of await this.#list(path)) await this.#fs.rmdir(join(path, name));
      await this.#fs.rmdir(path);
    } catch (cause) {
      // Another claim has removed it, or its owner is adding to it. The next claim tries again.
      if (!hasSystemCode(cause, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw failed('remove', path, cause);
    }
  }

  async #list(folder: string): Promise<string[]> {
    try {
      return (await this.#fs.readdir(folder)).sort();
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return [];
      throw unavailable('list', folder, cause);
    }
  }
}

/** Another marker is in place, or another claim has removed this one as the leftover of a dead claim. */
function lostRace(error: unknown): boolean {
  const cause = error instanceof TidemarkError ? error.cause : error;
  return hasSystemCode(cause, 'ENOTEMPTY', 'EEXIST', 'ENOENT');
}

function leftoverPrefix(job: JobName): string {
  return `.${job}.`;
}
