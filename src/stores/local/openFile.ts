/**
 * A file being written: an inode that this process created exclusively and appends to. Each write goes to the
 * current end of the file. If somebody had truncated the file, a positional write would fill the gap with
 * NULs and keep the expected length.
 */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path/posix';
import type { TidemarkError } from '../../../journal/errors.ts';
import type { OpenFile, StoreHandle } from '../port.ts';
import { contentDiffers, exists, mustBeOpen, type FileLife } from '../failure.ts';
import { failed, hasSystemCode, outcomeUnknown, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';

const CREATE_TRIES = 10;
/**
 * A growing file is synced each time it has grown by this much. Else its last sync waits until the disk has
 * written all of it.
 */
const SYNCED_AHEAD_BYTES = 16 * 1024 * 1024;

/**
 * Creates `path` for appending. Fails with `exists` if it exists. Creates missing folders, even if somebody
 * removes them meanwhile.
 */
export async function openExclusively(fs: FileSystem, folders: Folders, path: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fs.open(path, 'ax');
    } catch (cause) {
      if (hasSystemCode(cause, 'EEXIST')) throw exists(path, cause);
      if (!hasSystemCode(cause, 'ENOENT') || attempt === CREATE_TRIES) throw failed('create', path, cause);
      await folders.make(dirname(path));
    }
  }
}

export class LocalOpenFile implements OpenFile {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #folders: Folders;
  #life: FileLife = { type: 'open' };
  #length = 0;
  /**
   * Whether something is not covered by an fdatasync. True at first: the file itself, whose entry is not
   * durable.
   */
  #dirty = true;
  /** Length of the file when the last sync began, ahead or requested. */
  #syncedLength = 0;
  /** A sync that nobody waits for yet. If it fails, the file fails. */
  #syncAhead: Promise<void> | null = null;
  #entryDurable = false;
  #inode: bigint | null = null;

  constructor(fs: FileSystem, path: string, handle: FileHandle, folders: Folders) {
    this.#fs = fs;
    this.#path = path;
    this.#handle = handle;
    this.#folders = folders;
  }

  async write(bytes: Uint8Array): Promise<void> {
    mustBeOpen(this.#life, 'write to', this.#path);
    this.#length += bytes.length;
    this.#dirty = true;
    for (let done = 0; done < bytes.length;) {
      const written = await this.#try('write to', failedWrite, async () => {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, null);
        if (bytesWritten === 0) throw new Error('the system wrote none of the bytes');
        return bytesWritten;
      });
      done += written;
    }
    if (this.#syncAhead === null && this.#length - this.#syncedLength >= SYNCED_AHEAD_BYTES)
      this.#beginSyncAhead();
  }

  #beginSyncAhead(): void {
    const sync = this.#sync();
    this.#syncAhead = sync;
    const end = (): void => {
      this.#syncAhead = null;
    };
    sync.then(end, end);
  }

  #sync(): Promise<void> {
    this.#syncedLength = this.#length;
    return this.#try('make durable', outcomeUnknown, () => this.#handle.datasync());
  }

  async persist(): Promise<StoreHandle> {
    mustBeOpen(this.#life, 'persist', this.#path);
    if (this.#dirty) {
      this.#dirty = false;
      // The system reports a failure once. If the sync ahead received it, this sync would succeed.
      await Promise.all([this.#syncAhead, this.#sync()]);
    }
    await this.#check();
    if (!this.#entryDurable) {
      await this.#try('make durable', outcomeUnknown, () => this.#folders.makeDurable(dirname(this.#path)));
      this.#entryDurable = true;
    }
    return null;
  }

  /** Verifies that the file is still what was written, before anything relies on it. */
  async #check(): Promise<void> {
    const found = await this.#try('look at', outcomeUnknown, () => this.#lookAt());
    const size = Number(found?.size ?? 0n);
    const isNamed = found !== null;
    if (isNamed && size === this.#length) return;
    const error = isNamed
      ? changedLength(this.#path, { found: size, written: this.#length })
      : removed(this.#path);
    this.#life = { type: 'failed', cause: error };
    throw error;
  }

  /**
   * The file that the name refers to. Null if that is no longer this file. A link count proves nothing: a
   * backup may hold links.
   */
  async #lookAt(): Promise<BigIntStats | null> {
    this.#inode ??= (await this.#handle.stat({ bigint: true })).ino;
    try {
      const found = await this.#fs.lstat(this.#path, { bigint: true });
      return found.ino === this.#inode ? found : null;
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return null;
      throw cause;
    }
  }

  async closeForCommit(): Promise<StoreHandle> {
    await this.persist();
    // Only a file whose descriptor is closed is published: every write to this inode has arrived, and none
    // can follow.
    await this.#try('close', outcomeUnknown, () => this.#handle.close());
    this.#life = { type: 'closed' };
    return null;
  }

  async abandon(): Promise<void> {
    if (this.#life.type === 'closed' || this.#life.type === 'abandoned') return;
    this.#life = { type: 'abandoned' };
    // Nothing relies on this file any more, so an error on closing changes nothing.
    await this.#handle.close().catch(() => undefined);
  }

  async #try<T>(doing: string, toError: typeof failed, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      const error = toError(doing, this.#path, cause);
      if (this.#life.type === 'open') this.#life = { type: 'failed', cause: error };
      throw error;
    }
  }
}

function changedLength(path: string, { found, written }: { found: number; written: number }): TidemarkError {
  const difference = `holds ${found} bytes, though this process has written ${written}`;
  const advice =
    'Somebody changed it meanwhile. It is not published. Find out who did, then resume: ' +
    'records that no checkpoint has counted are read again.';
  return contentDiffers(path, difference, advice);
}

/**
 * Records that are not checkpointed are read again. If checkpointed ones are lost, the takeover finds the
 * file missing.
 */
function removed(path: string): TidemarkError {
  return outcomeUnknown('make durable', path, new Error('the file was removed while this process wrote it'));
}

/** A full disk refuses clearly. After any other failed write it is unknown what reached the file. */
function failedWrite(doing: string, path: string, cause: unknown): TidemarkError {
  const refused = hasSystemCode(cause, 'ENOSPC', 'EDQUOT', 'EFBIG');
  return refused ? unavailable(doing, path, cause) : outcomeUnknown(doing, path, cause);
}
