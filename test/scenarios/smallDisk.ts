/** A folder on a disk of so many bytes: writes that would not fit are refused as the system refuses them. */
import { constants, lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { FileSystem } from '../../src/stores/local/fileSystem.ts';
import { systemError, tappedFileSystem } from '../unit/stores/local/tappedFileSystem.ts';

export class SmallDisk {
  sizeBytes: number;
  /** Writes that were refused so far. */
  refusals = 0;
  readonly #folder: string;
  readonly fileSystem: FileSystem;

  constructor(folder: string, sizeBytes: number) {
    this.#folder = folder;
    this.sizeBytes = sizeBytes;
    this.fileSystem = tappedFileSystem({
      before: ({ name, args }) => {
        // No copy that shares its blocks.
        if (name === 'copyFile' && args[2] === (constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE))
          throw systemError('ENOTSUP');
        if (name !== 'handle.write') return;
        const length = typeof args[2] === 'number' ? args[2] : 0;
        if (this.usedBytes() + length <= this.sizeBytes) return;
        this.refusals += 1;
        throw systemError('ENOSPC');
      },
    });
  }

  /** A file with two names counts once. */
  usedBytes(): number {
    const sizes = new Map<number, number>();
    for (const entry of readdirSync(this.#folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      try {
        const { ino, size } = lstatSync(path.join(entry.parentPath, entry.name));
        sizes.set(ino, size);
      } catch {
        // Gone since it was listed.
      }
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }
}
