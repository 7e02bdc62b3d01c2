/**
 * Takes published files away while a run still writes, as their readers may: a run can then write more than the disk holds. What
 * it has taken is counted.
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
      // It still has its temporary name: its writer is not through with it.
      if (nlink > 1) continue;
      unlinkSync(file);
      this.#bytes += size;
      this.#files += 1;
    }
  }

  /** Of all files that there were, once the run has ended. */
  stop(): FolderSize {
    clearInterval(this.#timer);
    this.#look();
    return { bytes: this.#bytes, files: this.#files };
  }
}
