/** Reads back and copies in bounded memory, and in chunks that do not block the event loop for long. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Crc64 } from '../../../kernels/crc64.ts';
import type { DurablePart } from '../port.ts';
import { contentDiffers, exists, fileMissing, isStoreFailure } from '../failure.ts';
import { CHUNK_BYTES, scratchMissing, takeScratch, withTail } from '../storedContent.ts';
import { failed, hasSystemCode, outcomeUnknown, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';
import { openExclusively } from './openFile.ts';
import { publishingPathOf } from './paths.ts';

/** How a file differs from what was journaled, in words. Null if it does not. */
type Difference = string | null;

/** Compares the length and the checksum of the whole file with what was journaled. */
async function differenceOf(handle: FileHandle, durable: DurablePart): Promise<Difference> {
  const stats = await handle.stat();
  if (!stats.isFile()) return 'is no regular file';
  if (stats.size !== durable.length) return `holds ${stats.size} bytes, ${durable.length} were journaled`;
  const crc = new Crc64();
  let length = 0;
  for await (const chunk of chunksOf(handle, durable.length)) {
    crc.update(chunk);
    length += chunk.length;
  }
  if (length < durable.length) return `ends at ${length} bytes, ${durable.length} were journaled`;
  const found = crc.hex();
  return found === durable.crc64
    ? null
    : `holds ${durable.length} bytes with CRC-64 ${found}, ${durable.crc64} was journaled`;
}

/**
 * Checks that the file holds exactly what was journaled. If it does, its content is then durable. Null if
 * there is no such file. Closes the descriptor in every case.
 */
export async function verifyFile(
  fs: FileSystem,
  path: string,
  durable: DurablePart,
): Promise<{ difference: Difference } | null> {
  let handle;
  try {
    handle = await fs.open(path, 'r');
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return null;
    throw failed('open', path, cause);
  }
  try {
    const difference = await differenceOf(handle, durable);
    if (difference === null) await handle.datasync();
    return { difference };
  } catch (cause) {
    throw failed('read back', path, cause);
  } finally {
    await handle.close();
  }
}

/**
 * Copies the first `length` bytes. Returns the difference if the source is shorter. The source may grow
 * meanwhile.
 */
async function copyBytes(source: FileHandle, sink: FileHandle, length: number): Promise<Difference> {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(length, 1)));
  for (let position = 0; position < length;) {
    const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, length - position), position);
    if (bytesRead === 0) return `ends at ${position} bytes, ${length} were journaled as durable`;
    await writeAll(sink, chunk.subarray(0, bytesRead), null);
    position += bytesRead;
  }
  return null;
}

/** @param position where in the file; null: where the last write ended, or at the end. */
async function writeAll(sink: FileHandle, bytes: Uint8Array, position: number | null): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const at = position === null ? null : position + done;
    const { bytesWritten } = await sink.write(bytes, done, bytes.length - done, at);
    if (bytesWritten === 0) throw new Error('the system wrote none of the bytes');
    done += bytesWritten;
  }
}

/**
 * Makes a copy that shares its blocks with the source (btrfs, xfs); the caller truncates it. False if the
 * file system cannot.
 */
async function clone(fs: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await fs.copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (hasSystemCode(error, 'EEXIST')) throw exists(to, error);
    // The plain copy that follows meets any other failure too, and reports it.
    return false;
  }
}

/** The bytes of a file that are copied, and what follows them. */
export interface Copying {
  readonly from: string;
  readonly to: string;
  readonly durable: DurablePart;
  readonly tail: Uint8Array;
}

async function fill(
  fs: FileSystem,
  folders: Folders,
  source: FileHandle,
  { from, to, durable, tail }: Copying,
) {
  const cloned = await clone(fs, from, to);
  const sink = cloned ? await fs.open(to, 'r+') : await openExclusively(fs, folders, to);
  try {
    if (cloned) await sink.truncate(durable.length);
    const short = cloned ? null : await copyBytes(source, sink, durable.length);
    if (short === null) await writeAll(sink, tail, durable.length);
    if (short === null) await sink.datasync();
    return short;
  } finally {
    await sink.close();
  }
}

/**
 * A journal that went back may list a file as in progress although it was about to be published. Such a file
 * has its second hidden name.
 */
async function openSource(fs: FileSystem, from: string, durable: DurablePart) {
  let missing: unknown;
  for (const path of [from, publishingPathOf(from)]) {
    try {
      return { source: await fs.open(path, 'r'), path };
    } catch (cause) {
      if (!hasSystemCode(cause, 'ENOENT')) throw failed('open', path, cause);
      missing ??= cause;
    }
  }
  const message =
    `${from} is gone, though ${durable.length} bytes of it were journaled as durable. ` +
    'Put it back, then resume.';
  throw fileMissing(message, [from], missing);
}

/**
 * Copies exactly the bytes journaled as durable to a new file, which no earlier owner can reach, adds the
 * tail, and reads the copy back. The source is unchanged. It may be longer, and a former owner may still
 * append to it. A failed copy is removed.
 */
export async function copyExactly(fs: FileSystem, folders: Folders, copying: Copying): Promise<void> {
  const { from, to, durable, tail } = copying;
  const { source, path } = await openSource(fs, from, durable);
  try {
    const short = await fill(fs, folders, source, { ...copying, from: path });
    const expected = { ...withTail(durable, tail), handle: null };
    const read = short === null ? await verifyFile(fs, to, expected) : { difference: short };
    if (read === null) throw outcomeUnknown('read back', to, new Error('the copy is gone'));
    if (read.difference !== null) {
      const advice = 'What was journaled as durable is not there: restore the file, then resume.';
      throw contentDiffers(from, short ?? `was copied, and the copy ${read.difference}`, advice);
    }
  } catch (cause) {
    if (isStoreFailure(cause, 'exists')) throw cause;
    // The name is journaled and discarded with the rest. Removing the copy now frees space on a full disk.
    await fs.unlink(to).catch(() => undefined);
    throw failed('copy the durable bytes to', to, cause);
  } finally {
    await source.close();
  }
}

/** Takes the first bytes of a scratch file, which its writer may still hold open: it only appends. */
export async function readScratch(
  fs: FileSystem,
  path: string,
  durable: Omit<DurablePart, 'handle'>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  let handle;
  try {
    handle = await fs.open(path, 'r');
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) throw scratchMissing(path, durable, cause);
    throw unavailable('open', path, cause);
  }
  try {
    await takeScratch(path, chunksOf(handle, durable.length), durable, take);
  } catch (cause) {
    throw unavailable('read back', path, cause);
  } finally {
    await handle.close();
  }
}

/** The first `length` bytes, all in one buffer, in turn. Ends where the file ends. */
async function* chunksOf(handle: FileHandle, length: number): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(length, 1)));
  for (let position = 0; position < length;) {
    const most = Math.min(chunk.length, length - position);
    const { bytesRead } = await handle.read(chunk, 0, most, position);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    position += bytesRead;
  }
}
