/** Files that are given by name: opened, or refused in words. */
import { open, type FileHandle } from 'node:fs/promises';
import { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';

/** Rejects with JOURNAL_MISSING if there is no such file, REQUEST_REFUSED if it cannot be read. */
export async function openExisting(file: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw noBackup(file);
    throw notReadable(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw notReadable(file, 'it is no file', undefined);
}

/** The first bytes of a file, as many as there are of `length`. Rejects as `openExisting` does. */
export async function headOf(file: string, length: number): Promise<Buffer> {
  const handle = await openExisting(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

export function noBackup(file: string): TidemarkError {
  return new JournalFailure('missing', `There is no backup ${file}.`, { fields: { path: file } });
}

function notReadable(file: string, why: string, cause: unknown): TidemarkError {
  return new TidemarkError('REQUEST_REFUSED', `The file ${file} cannot be read: ${why}.`, {
    fields: { path: file },
    cause,
  });
}
