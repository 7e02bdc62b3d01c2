/** Scratch files: objects that are appended to, each append at the length that the object must have. */
import { Crc64 } from '../../../kernels/crc64.ts';
import { crc64Combine } from '../../../kernels/crc64Combine.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import { exists, mustBeOpen, type FileLife } from '../failure.ts';
import type { DurablePart, OpenFile, StoreHandle } from '../port.ts';
import { scratchMissing, takeScratch } from '../storedContent.ts';
import { chunksOf } from './content.ts';
import { isRefusal, outcomeUnknown, refusedOrUnknown, unavailable } from './errors.ts';
import type { Content, Objects } from './objects.ts';

/** More is appended before the next checkpoint. */
const HELD_BYTES_MAX = 1024 * 1024;
const APPENDS_MAX = 4;

export interface ScratchOptions {
  readonly objects: Objects;
  readonly key: string;
  readonly uri: string;
}

/** An empty append creates the object. Its name is random: nobody else creates it between the two requests. */
export async function createScratch(options: ScratchOptions): Promise<OpenFile> {
  const { objects, key, uri } = options;
  let standing;
  try {
    standing = await objects.head(key);
    if (standing === null) await objects.append(key, 0, NOTHING, NOTHING.crc64);
  } catch (cause) {
    if (isRefusal(cause, 'PositionNotEqualToLength', 'ObjectNotAppendable', 'FileAlreadyExists'))
      throw exists(uri, cause);
    throw refusedOrUnknown('create', uri, cause);
  }
  if (standing !== null) throw exists(uri);
  return new ObjectBeingAppended(options);
}

const NOTHING: Content = { pieces: [], length: 0, crc64: new Crc64().hex() };

class ObjectBeingAppended implements OpenFile {
  readonly #options: ScratchOptions;
  #life: FileLife = { type: 'open' };
  /** Of the object. */
  #length = 0;
  #crc64 = NOTHING.crc64;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(options: ScratchOptions) {
    this.#options = options;
  }

  async write(bytes: Uint8Array): Promise<void> {
    mustBeOpen(this.#life, 'write to', this.#options.uri);
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= HELD_BYTES_MAX) await this.#append();
  }

  async persist(): Promise<StoreHandle> {
    mustBeOpen(this.#life, 'persist', this.#options.uri);
    await this.#append();
    return null;
  }

  async closeForCommit(): Promise<StoreHandle> {
    await this.persist();
    this.#life = { type: 'closed' };
    return null;
  }

  async abandon(): Promise<void> {
    if (this.#life.type !== 'closed') this.#life = { type: 'abandoned' };
    this.#held = [];
    await Promise.resolve();
  }

  async #append(): Promise<void> {
    const [pieces, length] = [this.#held, this.#heldBytes];
    if (length === 0) return;
    this.#held = [];
    this.#heldBytes = 0;
    const crc = new Crc64();
    for (const piece of pieces) crc.update(piece);
    const content = { pieces, length, crc64: crc.hex() };
    const crc64 = crc64Combine(this.#crc64, content.crc64, length);
    try {
      await this.#ensureAppended(content, crc64);
    } catch (cause) {
      const error = outcomeUnknown('write to', this.#options.uri, cause);
      if (this.#life.type === 'open') this.#life = { type: 'failed', cause: error };
      throw error;
    }
    this.#length += length;
    this.#crc64 = crc64;
  }

  /** An append is no call to repeat blindly: the object's length shows whether it took effect. */
  async #ensureAppended(content: Content, crc64: DurablePart['crc64']): Promise<void> {
    const { objects, key } = this.#options;
    for (let appends = 1; ; appends += 1) {
      try {
        await objects.append(key, this.#length, content, crc64);
        return;
      } catch (cause) {
        const found = await objects.head(key);
        if (found?.length === this.#length + content.length && found.crc64 === crc64) return;
        if (appends === APPENDS_MAX || found?.length !== this.#length) throw cause;
      }
    }
  }
}

/** Reads what an earlier owner has appended. It may go on: the first bytes stay as they are. */
export async function readScratch(
  objects: Objects,
  key: string,
  uri: string,
  durable: Omit<DurablePart, 'handle'>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  try {
    const facts = await objects.head(key);
    if (facts === null) throw scratchMissing(uri, durable);
    const chunks = chunksOf(objects, key, { ...facts, etag: null }, { to: durable.length });
    await takeScratch(uri, chunks, durable, take);
  } catch (cause) {
    if (cause instanceof TidemarkError) throw cause;
    if (isRefusal(cause, 'NoSuchKey')) throw scratchMissing(uri, durable, cause);
    throw unavailable('read back', uri, cause);
  }
}
