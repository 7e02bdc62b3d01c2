/** Reads the destination back. Opens nothing for writing. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path/posix';
import { storedFiles } from '../listing.ts';
import { WHOLE, type StoreReading } from '../reading.ts';
import { CHUNK_BYTES, nothingToRead, verdictOf } from '../storedContent.ts';
import { hasSystemCode, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import { filesBelow } from './listing.ts';
import { folderPathOf, publishingPathOf } from './paths.ts';

/** A named pipe that stands in the way is opened without waiting for its writer. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK;

interface OpenedFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly length: number;
}

export function fileReading(fs: FileSystem): StoreReading {
  return {
    showsUnpublished: true,
    list: async function* (folderUri, signal) {
      const found = filesBelow(fs, folderPathOf(folderUri), signal);
      for await (const files of found) yield storedFiles(files);
    },
    read: async function* (uri, signal, { from, to } = WHOLE) {
      signal?.throwIfAborted();
      const file = await openUnderAnyName(fs, folderPathOf(uri));
      if (file === null) throw nothingToRead(uri);
      try {
        for await (const chunk of chunksOf(file, to, from)) {
          yield chunk;
          signal?.throwIfAborted();
        }
      } finally {
        await file.handle.close();
      }
    },
    verify: async (uri, expected, options = {}) => {
      options.signal?.throwIfAborted();
      const file = await openUnderAnyName(fs, folderPathOf(uri));
      if (file === null) return { type: 'missing' };
      try {
        const { length } = file;
        return await verdictOf({ length, chunks: (most) => chunksOf(file, most) }, expected, options);
      } finally {
        await file.handle.close();
      }
    },
  };
}

/** The first `length` bytes, from `from` on, all in one buffer, in turn. Ends where the file ends. */
async function* chunksOf({ path, handle, length: size }: OpenedFile, length: number, from = 0) {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(Math.min(length, size) - from, 1)));
  for (let position = from; position < length;) {
    const bytesRead = await readAt(path, handle, chunk, { position, most: length - position });
    if (bytesRead === 0) return;
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

async function readAt(
  path: string,
  handle: FileHandle,
  chunk: Buffer,
  { position, most }: { readonly position: number; readonly most: number },
): Promise<number> {
  try {
    return (await handle.read(chunk, 0, Math.min(chunk.length, most), position)).bytesRead;
  } catch (cause) {
    throw unavailable('read back', path, cause);
  }
}

/** A temporary file has its second hidden name from the moment when it may have been published. */
async function openUnderAnyName(fs: FileSystem, path: string): Promise<OpenedFile | null> {
  const found = await openFile(fs, path);
  if (found !== null || !basename(path).startsWith('.')) return found;
  return openFile(fs, publishingPathOf(path));
}

/** Null if no file has this name. */
async function openFile(fs: FileSystem, path: string): Promise<OpenedFile | null> {
  let handle;
  try {
    handle = await fs.open(path, READ_ONLY);
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return null;
    throw unavailable('open', path, cause);
  }
  try {
    const stats = await handle.stat();
    if (stats.isFile()) return { path, handle, length: stats.size };
  } catch (cause) {
    await handle.close();
    throw unavailable('look at', path, cause);
  }
  await handle.close();
  return null;
}
