/**
 * Removes published files while a run still writes, as readers may do. A run can then write more than the
 * disk holds. Counts what it removes.
 */
import { existsSync, statSync, unlinkSync } from 'node:fs';
import { dataFiles, type FolderSize } from './lineDigest.ts';

const LOOK_INTERVAL_MS = 500;

export class FolderEmptier {
  readonly #folder: string;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #files = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#timer = setInterval(() => {
      this.#look();
    }, LOOK_INTERVAL_MS);
  }

  #look(): void {
    if (!existsSync(this.#folder)) return;
    for (const file of dataFiles(this.#folder)) {
      const { size, nlink } = statSync(file);
      // It still has its temporary name, so its writer has not finished.
      if (nlink > 1) continue;
      unlinkSync(file);
      this.#bytes += size;
      this.#files += 1;
    }
  }

  /** Total of all files, after the run has ended. */
  stop(): FolderSize {
    clearInterval(this.#timer);
    this.#look();
    return { bytes: this.#bytes, files: this.#files };
  }
}
