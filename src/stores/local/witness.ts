/**
 * Witnesses of a journal: empty files whose names are all of their information. Each is created exclusively,
 * and made durable with its folder. No two claims write the same name, so a witness that an earlier owner
 * still creates replaces nothing.
 */
import { dirname, join } from 'node:path/posix';
import { handleInvalid, isStoreFailure } from '../failure.ts';
import { failed, hasSystemCode, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';
import { openExclusively } from './openFile.ts';
import type { Turns } from '../../system/turns.ts';

export class Witnesses {
  readonly #fs: FileSystem;
  readonly #turns: Turns;
  readonly #folders: Folders;

  constructor(fs: FileSystem, folders: Folders, turns: Turns) {
    this.#fs = fs;
    this.#turns = turns;
    this.#folders = folders;
  }

  async write(folder: string, name: string): Promise<void> {
    const path = pathOf(folder, name);
    try {
      await this.#turns.during(async () => {
        const handle = await openExclusively(this.#fs, this.#folders, path);
        await handle.close();
      });
    } catch (error) {
      // An earlier attempt, whose outcome was unknown, took effect.
      if (!isStoreFailure(error, 'exists')) throw error;
    }
    await this.#folders.makeDurable(folder);
  }

  async list(folder: string): Promise<string[]> {
    try {
      return (await this.#turns.during(() => this.#fs.readdir(folder))).sort();
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return [];
      throw unavailable('list the witnesses of the journal in', folder, cause);
    }
  }

  async remove(folder: string, names: readonly string[]): Promise<void> {
    for (const path of names.map((name) => pathOf(folder, name))) {
      try {
        await this.#fs.unlink(path);
      } catch (cause) {
        if (!hasSystemCode(cause, 'ENOENT')) throw failed('remove', path, cause);
      }
    }
  }
}

function pathOf(folder: string, name: string): string {
  const path = join(folder, name);
  if (name === '' || dirname(path) !== folder)
    throw handleInvalid(`"${name}" is no name of a witness in ${folder}.`, path);
  return path;
}
