/**
 * A file being written: a multipart upload of its final name. Bytes are uploaded when they are a whole upload
 * part, or at a checkpoint. Fewer than OSS accepts as a part are put into a side object there, which never
 * changes, and which goes when a later checkpoint needs it no more. A part number always means the same
 * bytes.
 */
import { Crc64 } from '../../../kernels/crc64.ts';
import type { TidemarkError } from '../../../journal/errors.ts';
import { mustBeOpen, type FileLife } from '../failure.ts';
import type { OpenFile, StoreHandle } from '../port.ts';
import { outcomeUnknown } from './errors.ts';
import { parseHandle, partsLength, type SideObject, type UploadedPart, type UploadHandle } from './handle.ts';
import type { Content, Objects } from './objects.ts';
import type { Besides } from './besides.ts';
import type { UploadingFile, UploadRoom } from './uploadRoom.ts';

/** Less is no upload part for OSS, except as the last one. */
export const PART_BYTES_MIN = 100 * 1024;
/** Each checkpoint journals all parts of a file: with many, a checkpoint uploads only larger ones. */
const PARTS_PER_STEP = 32;
/** Of one file at once. */
const UPLOADS_MAX = 3;
/** The file is to be closed: a checkpoint may still come before that happens. */
export const PARTS_FULL = 9_000;
/** The last one is for the end of the file. */
export const PARTS_MAX = 9_998;

export interface UploadOptions {
  readonly objects: Objects;
  readonly besides: Besides;
  readonly room: UploadRoom;
  readonly uploadPartBytes: number;
  readonly finalUri: string;
  readonly temporaryUri: string;
  readonly key: string;
  readonly uploadId: string;
}

/** Bytes that are no part yet. */
class Rest {
  pieces: Buffer[] = [];
  length = 0;
  readonly crc = new Crc64();

  content(): Content {
    let left = this.length;
    const pieces = this.pieces.map((piece) => {
      const bytes = piece.subarray(0, left);
      left -= bytes.length;
      return bytes;
    });
    return { pieces, length: this.length, crc64: this.crc.hex() };
  }
}

export class UploadBeingWritten implements OpenFile, UploadingFile {
  readonly #options: UploadOptions;
  #life: FileLife = { type: 'open' };
  #length = 0;
  #heldBytes = 0;
  #rest = new Rest();
  /** Room that is left in the last piece of the rest. */
  #roomBytes = 0;
  #parts: UploadedPart[] = [];
  #begunParts = 0;
  readonly #uploads = new Set<Promise<void>>();
  /** Its handle is being made: the rest must not become a part meanwhile. */
  #isPersisting = false;
  #tail: SideObject | null = null;
  /** Side objects that were put, by the file length that each reaches. */
  readonly #sideObjects = new Map<number, string>();
  #superseded: number[] = [];

  constructor(options: UploadOptions) {
    this.#options = options;
    options.room.join(this);
  }

  get startHandle(): StoreHandle {
    return this.#handle();
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isFull(): boolean {
    return this.#begunParts >= PARTS_FULL;
  }

  get uploadableBytes(): number {
    const isIdle = this.#life.type === 'open' && !this.#isPersisting && this.#uploads.size < UPLOADS_MAX;
    return isIdle && this.#isPart(PART_BYTES_MIN) ? this.#rest.length : 0;
  }

  uploadEarly(): void {
    this.#beginPart();
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { room, uploadPartBytes, temporaryUri } = this.#options;
    mustBeOpen(this.#life, 'write to', temporaryUri);
    for (let done = 0; done < bytes.length;) {
      done += this.#copy(bytes, done, uploadPartBytes - this.#rest.length);
      if (this.#rest.length >= uploadPartBytes && this.#isPart(uploadPartBytes)) {
        while (this.#uploads.size >= UPLOADS_MAX) await Promise.race(this.#uploads);
        mustBeOpen(this.#life, 'write to', temporaryUri);
        // Meanwhile the room may have had it uploaded for another file. An empty part is refused at the end.
        if (this.#isPart(uploadPartBytes)) this.#beginPart();
      }
      await room.room();
      mustBeOpen(this.#life, 'write to', temporaryUri);
    }
  }

  /** Copies what fits into one piece; returns how much that is. */
  #copy(bytes: Uint8Array, start: number, untilPart: number): number {
    const rest = this.#rest;
    const wanted = Math.min(bytes.length - start, untilPart > 0 ? untilPart : Infinity);
    if (this.#roomBytes === 0) {
      const piece = this.#options.room.take(rest.length, wanted);
      rest.pieces.push(piece);
      this.#roomBytes = piece.length;
      this.#heldBytes += piece.length;
    }
    const piece = rest.pieces.at(-1) ?? Buffer.alloc(0);
    const copied = Math.min(wanted, this.#roomBytes);
    piece.set(bytes.subarray(start, start + copied), piece.length - this.#roomBytes);
    rest.crc.update(bytes, start, start + copied);
    rest.length += copied;
    this.#length += copied;
    this.#roomBytes -= copied;
    return copied;
  }

  async persist(): Promise<StoreHandle> {
    mustBeOpen(this.#life, 'persist', this.#options.temporaryUri);
    this.#isPersisting = true;
    try {
      const step = PART_BYTES_MIN * Math.max(1, Math.ceil(this.#begunParts / PARTS_PER_STEP));
      if (this.#isPart(Math.min(step, this.#options.uploadPartBytes))) this.#beginPart();
      else if (this.#rest.length > 0 && !this.#sideObjects.has(this.#length)) await this.#putTail();
      await this.#removeSuperseded();
      await this.#uploaded('persist');
      return this.#handle();
    } finally {
      this.#isPersisting = false;
    }
  }

  async closeForCommit(): Promise<StoreHandle> {
    mustBeOpen(this.#life, 'close', this.#options.temporaryUri);
    this.#options.room.leave(this);
    if (this.#rest.length > 0) this.#beginPart();
    await this.#uploaded('close');
    this.#life = { type: 'closed' };
    return this.#handle();
  }

  /** What is on its way arrives or fails, and is not sent again: nothing is written later. */
  async abandon(): Promise<void> {
    if (this.#life.type === 'closed' || this.#life.type === 'abandoned') return;
    this.#life = { type: 'abandoned' };
    this.#options.room.leave(this);
    await Promise.all(this.#uploads);
    this.#release(this.#rest, false);
    this.#rest = new Rest();
  }

  checkpointed(handle: StoreHandle): void {
    const counted = parseHandle(handle);
    if (counted === null) return;
    const { parts, tail } = counted;
    const length = partsLength(parts) + (tail?.length ?? 0);
    this.#superseded = [...this.#sideObjects.keys()].filter(
      (end) => end < length || (end === length && tail === null),
    );
  }

  #isPart(bytesMin: number): boolean {
    return this.#rest.length >= bytesMin && this.#begunParts < PARTS_MAX;
  }

  #beginPart(): void {
    const rest = this.#rest;
    this.#rest = new Rest();
    this.#roomBytes = 0;
    this.#tail = null;
    this.#begunParts += 1;
    const upload = this.#options.room.during(this.#upload(rest, this.#begunParts));
    this.#uploads.add(upload);
    void upload.then(() => this.#uploads.delete(upload));
  }

  async #upload(rest: Rest, number: number): Promise<void> {
    const { objects, key, uploadId } = this.#options;
    const content = rest.content();
    try {
      const isWanted = (): boolean => this.#life.type === 'open';
      const etag = await objects.uploadPart(key, uploadId, number, content, isWanted);
      this.#parts.push({ number, etag, length: content.length });
      this.#release(rest, false);
    } catch (cause) {
      this.#failed('upload a part of', cause);
      this.#release(rest, true);
    }
  }

  #release({ pieces }: Rest, isInUse: boolean): void {
    this.#options.room.give(pieces, isInUse);
    this.#heldBytes -= pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** Resolves when everything that was begun is uploaded. Fails if one of them failed. */
  async #uploaded(doing: string): Promise<void> {
    await Promise.all(this.#uploads);
    mustBeOpen(this.#life, doing, this.#options.temporaryUri);
    this.#parts = this.#parts.toSorted((one, other) => one.number - other.number);
  }

  async #putTail(): Promise<void> {
    const { besides, temporaryUri } = this.#options;
    const end = this.#length;
    const uri = `${temporaryUri}.${end}`;
    const content = this.#rest.content();
    try {
      await besides.put(temporaryUri, uri, content);
    } catch (cause) {
      throw this.#failed('persist', cause);
    }
    this.#sideObjects.set(end, uri);
    this.#tail = { uri, length: content.length, crc64: content.crc64 };
  }

  async #removeSuperseded(): Promise<void> {
    const { besides, temporaryUri } = this.#options;
    for (const end of this.#superseded.splice(0)) {
      const uri = this.#sideObjects.get(end);
      if (uri === undefined) continue;
      try {
        await besides.remove(temporaryUri, uri);
      } catch (cause) {
        throw this.#failed('remove what a later checkpoint replaces of', cause);
      }
      this.#sideObjects.delete(end);
    }
  }

  #failed(doing: string, cause: unknown): TidemarkError {
    const error = outcomeUnknown(doing, this.#options.temporaryUri, cause);
    if (this.#life.type === 'open') this.#life = { type: 'failed', cause: error };
    return error;
  }

  #handle(): StoreHandle {
    const { uploadId, key } = this.#options;
    const handle: UploadHandle = { uploadId, key, parts: [...this.#parts], tail: this.#tail };
    return handle;
  }
}
