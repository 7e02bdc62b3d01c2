/** Files that appear under their name complete, or not at all. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { TidemarkError } from '../errors.ts';

export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Files that SQLite may leave beside a database. */
const SQLITE_SUFFIXES = ['', '-wal', '-shm', '-journal'];

export function removeDraft(draft: string): void {
  for (const suffix of SQLITE_SUFFIXES) rmSync(`${draft}${suffix}`, { force: true });
}

/**
 * Makes the draft durable and renames it to `path`. `force` replaces an existing file. Otherwise throws
 * REQUEST_REFUSED if the name is taken, and changes nothing.
 */
export function publishDraft(draft: string, path: string, force: boolean): void {
  syncPath(draft);
  if (force) renameSync(draft, path);
  else {
    try {
      linkSync(draft, path);
    } catch (cause) {
      if (existsSync(path)) throw nameTaken(path);
      throw cause;
    }
    unlinkSync(draft);
  }
  syncPath(dirname(path));
}

export function nameTaken(path: string): TidemarkError {
  return new TidemarkError(
    'REQUEST_REFUSED',
    `There is a file ${path} already: name another one, or write over it with --force.`,
    { fields: { path } },
  );
}
