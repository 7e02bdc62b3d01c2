/** What a store lists of a destination, for those who read it and for those who look for what was left. */
import type { StoredFile } from './reading.ts';
import type { Temporary } from './temporaries.ts';

export interface ListedFile extends StoredFile {
  /** In milliseconds since 1970, by the store's clock. */
  readonly modifiedAtMs: number;
}

/** What `StoreReading.list` gives of them. */
export function storedFiles(files: readonly ListedFile[]): StoredFile[] {
  return files.map(({ uri, length, kind }) => ({ uri, length, kind }));
}

/** What `Temporaries.list` gives of them: only names that are temporary. */
export function temporaryFiles(files: readonly ListedFile[]): Temporary[] {
  return files
    .filter(({ kind }) => kind === 'temporary')
    .map(({ uri, length, modifiedAtMs }) => ({ uri, uploadId: null, bytes: length, modifiedAtMs }));
}
