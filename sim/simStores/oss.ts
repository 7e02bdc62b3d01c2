/**
 * The plain OSS store of the world: a part file is a multipart upload of its final name. Its temporary name
 * is the prefix of its side objects, which hold tails that are too short for an upload part.
 */
import { crc64Of } from '../../kernels/crc64.ts';
import type { Failpoint } from '../../src/system/failpoints.ts';
import type { ContentVerdict, StoreReading } from '../../src/stores/reading.ts';
import type { Temporaries } from '../../src/stores/temporaries.ts';
import { withTail } from '../../src/stores/storedContent.ts';
import type {
  DurablePart,
  FinishingTakeover,
  OpenFile,
  PartTarget,
  ScratchFiles,
  SideObjects,
  Store,
  StoreHandle,
  UnpublishedFiles,
} from '../../src/stores/port.ts';
import type { SimProcess } from '../process.ts';
import { differenceOf, mustBeHidden, readScratch, SimOpenFile, SimStore, type Connection } from './base.ts';
import type { Litter } from './destination.ts';
import { differs, exists, handleInvalid, isRefused, missing, refusedForGood } from './errors.ts';
import { ObjectBeingAppended } from './oss/appended.ts';
import { Bucket, type ListedPart } from './oss/bucket.ts';
import type { DamagedFile, SimStoreOptions, SimStoreServer } from './port.ts';
import { SimServer } from './server.ts';

const PART_BYTES_MIN = 48;
/** Never used by a writer: the tail of the process that takes over. All of them send identical bytes. */
const TAIL_PART = 10_000;

/** As it is journaled. */
type UploadHandle = {
  uploadId: string;
  parts: { number: number; etag: string; length: number }[];
  /** The bytes after the last upload part, in an immutable object of their own. */
  tail: { uri: string; length: number; crc64: string } | null;
};

export class SimOssServer extends SimServer implements SimStoreServer {
  readonly #partBytesMin: number;
  readonly bucket: Bucket;

  constructor(options: SimStoreOptions) {
    super(options);
    this.#partBytesMin = options.uploadPartBytesMin ?? PART_BYTES_MIN;
    const later = (delayMs: number, run: () => void): void => {
      options.scheduler.after(delayMs, null, run);
    };
    this.bucket = new Bucket(this.destination, later, this.#partBytesMin);
  }

  connect(process: SimProcess): Store {
    const connection = { calls: this.calls, destination: this.destination, process };
    return new SimOssStore(this.bucket, connection, this.#partBytesMin);
  }

  /** The service has its own power: requests in flight arrive. */
  powerCut(): void {
    return undefined;
  }

  leftovers(): readonly string[] {
    return this.bucket.leftovers();
  }

  temporary(): readonly string[] {
    const uploads = this.bucket.uploads().map(({ id, uri }) => `${uri} (upload ${id})`);
    return [...this.bucket.hidden().map(({ uri }) => uri), ...uploads];
  }

  put(uri: string, bytes: Uint8Array): void {
    this.bucket.put(uri, Buffer.from(bytes), null);
  }

  remove(uri: string): void {
    this.bucket.delete(uri);
  }

  damage({ finalUri, temporaryUris }: DamagedFile, how: 'removed' | 'changed'): boolean {
    const tails = temporaryUris.flatMap((uri) => this.bucket.list(uri));
    if (how === 'changed') return this.bucket.change(finalUri, tails);
    for (const uri of tails) this.bucket.delete(uri);
    return this.bucket.expire(finalUri) || tails.length > 0;
  }
}

class SimOssStore extends SimStore implements Store {
  readonly kind = 'oss';
  readonly takeover: FinishingTakeover = {
    ...{ type: 'finish', copies: false },
    finish: (target, durable, { tail }) => this.#finish(target, durable, tail),
  };
  readonly sideObjects: SideObjects = {
    discardUncheckpointed: (target, checkpointed) => this.#discardUncheckpointed(target, checkpointed),
  };
  readonly reading: StoreReading;
  readonly temporaries: Temporaries;
  readonly unpublished: UnpublishedFiles = {
    verify: (target, durable) => this.call('store.listWitnesses', () => this.#verdictOn(target, durable)),
  };
  readonly scratch: ScratchFiles = {
    create: (uri) => this.#createScratch(uri),
    read: async (uri, durable, take) => {
      const found = await this.call('store.finish', () => this.#bucket.get(uri));
      await readScratch(uri, found, durable, take);
    },
  };
  readonly #bucket: Bucket;
  readonly #connection: Connection;
  readonly #partBytesMin: number;

  constructor(bucket: Bucket, connection: Connection, partBytesMin: number) {
    super(connection);
    this.#bucket = bucket;
    this.reading = this.readingOf({
      showsUnpublished: false,
      uris: () => bucket.list(''),
      contentOf: (uri) => bucket.get(uri),
      lengthOf: (uri) => bucket.get(uri)?.length ?? 0,
    });
    this.temporaries = this.sweeping({
      names: () => bucket.hidden(),
      uploads: () => bucket.uploads(),
      remove: (uri) => bucket.delete(uri),
      abort: (uploadId) => bucket.abort(uploadId),
    });
    this.#connection = connection;
    this.#partBytesMin = partBytesMin;
  }

  session(): Store {
    return this;
  }

  async create(target: PartTarget): Promise<OpenFile> {
    const begin = (): string => this.#bucket.beginUpload(target.finalUri, target.temporaryUri);
    const uploadId = await this.call('store.create', begin, true);
    return new UploadBeingWritten(this.#bucket, this.#connection, {
      temporaryUri: target.temporaryUri,
      uploadId,
      partBytesMin: this.#partBytesMin,
    });
  }

  /** An object that is appended to: each append names the length that it must have. */
  async #createScratch(uri: string): Promise<OpenFile> {
    const litter = this.destination.litter(uri, this.process);
    const put = (): void => this.#bucket.put(uri, Buffer.alloc(0), litter);
    try {
      await this.call('store.create', put);
    } catch (error) {
      throw isRefused(error, 'exists') ? exists(uri) : error;
    }
    return new ObjectBeingAppended(this.#bucket, this.#connection, uri);
  }

  /** Adds what is not uploaded as the last part. Publishes nothing: completing names the parts. */
  async #finish(target: PartTarget, durable: DurablePart, end: Uint8Array): Promise<DurablePart> {
    const { uploadId, parts, tail } = handleOf(target, durable);
    const tailBytes = await this.#ask(target, 'store.finish', () => {
      const uploaded = this.#bucket.contentOf(uploadId, parts);
      const rest = tail === null ? Buffer.alloc(0) : this.#bucket.get(tail.uri);
      if (rest === null) throw missing(target);
      // Replaces the combination of the service's part checksums with the tail's.
      const difference = differenceOf(Buffer.concat([uploaded, rest]), durable);
      if (difference !== null) throw differs(target, difference);
      return rest;
    });
    const rest = Buffer.concat([tailBytes, end]);
    if (rest.length === 0) return durable;
    const upload = (): string => this.#bucket.uploadPart(uploadId, TAIL_PART, rest);
    const etag = await this.#ask(target, 'store.finish', upload, true);
    const handle: UploadHandle = {
      uploadId,
      parts: [...parts, { number: TAIL_PART, etag, length: rest.length }],
      tail: null,
    };
    return { ...withTail(durable, end), handle };
  }

  #verdictOn(target: PartTarget, durable: DurablePart): ContentVerdict {
    const { uploadId, parts, tail } = handleOf(target, durable);
    try {
      const rest = tail === null ? Buffer.alloc(0) : this.#bucket.get(tail.uri);
      const bytes = Buffer.concat([this.#bucket.contentOf(uploadId, parts), rest ?? Buffer.alloc(0)]);
      if (differenceOf(bytes, durable) === null) return { type: 'same' };
    } catch (error) {
      if (isRefused(error, 'noSuchUpload')) return { type: 'missing' };
      if (!isRefused(error, 'invalidPart', 'partTooSmall')) throw error;
    }
    return { type: 'differs', length: durable.length, crc64: null };
  }

  commit(target: PartTarget, durable: DurablePart): Promise<void> {
    return this.#complete(target, durable, 'store.commit');
  }

  commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    return this.#complete(target, durable, 'store.commitAfterRecovery');
  }

  /** Only the object shows whether an upload that is gone was completed; it may appear a while later. */
  async #complete(target: PartTarget, durable: DurablePart, point: Failpoint): Promise<void> {
    const { uploadId, parts } = handleOf(target, durable);
    if (durable.length > 0) {
      await this.patiently(target, async () => {
        await this.#ask(target, point, () => this.#tryToComplete(uploadId, parts), true);
        const bytes = await this.call(point, () => this.#bucket.get(target.finalUri));
        if (bytes === null) return 'missing';
        const difference = differenceOf(bytes, durable);
        if (difference !== null) throw differs(target, difference);
        return 'done';
      });
    }
    await this.call(point, () => this.#remove([target.temporaryUri], uploadId));
  }

  #tryToComplete(uploadId: string, parts: readonly ListedPart[]): void {
    try {
      this.#bucket.complete(uploadId, parts);
    } catch (error) {
      if (!isRefused(error, 'noSuchUpload', 'exists')) throw error;
    }
  }

  #remove(temporaryUris: readonly string[], uploadId: string | null): void {
    if (uploadId !== null) this.#bucket.abort(uploadId);
    for (const temporaryUri of temporaryUris) {
      for (const uri of this.#bucket.list(temporaryUri)) this.#bucket.delete(uri);
      this.destination.discarded(temporaryUri);
    }
  }

  discard(temporaryUris: readonly string[], handle: StoreHandle): Promise<void> {
    return this.call('store.discard', () => {
      mustBeHidden(temporaryUris);
      this.#remove(temporaryUris, handle === null ? null : (handle as UploadHandle).uploadId);
    });
  }

  #discardUncheckpointed({ temporaryUri }: PartTarget, checkpointed: StoreHandle): Promise<void> {
    const kept = (checkpointed as UploadHandle).tail?.uri ?? null;
    return this.call('store.discard', () => {
      for (const uri of this.#bucket.list(temporaryUri)) if (uri !== kept) this.#bucket.delete(uri);
    });
  }

  /** A call whose refusal says something about the part file. */
  async #ask<T>(target: PartTarget, point: Failpoint, asks: () => T, mayBeLate = false): Promise<T> {
    try {
      return await this.call(point, asks, mayBeLate);
    } catch (error) {
      if (isRefused(error, 'noSuchUpload')) throw missing(target);
      if (isRefused(error, 'invalidPart', 'partTooSmall')) throw differs(target, error.message);
      throw error;
    }
  }
}

interface UploadOptions {
  readonly temporaryUri: string;
  readonly uploadId: string;
  readonly partBytesMin: number;
}

class UploadBeingWritten extends SimOpenFile {
  readonly #bucket: Bucket;
  readonly #options: UploadOptions;
  readonly #litter: () => Litter;
  readonly #parts: UploadHandle['parts'] = [];
  #length = 0;
  /** The bytes after the last upload part. */
  #rest: Buffer = Buffer.alloc(0);
  #tail: UploadHandle['tail'] = null;
  /** Existing side objects, by the file length that each reaches. */
  readonly #sideObjects = new Map<number, string>();
  #superseded: number[] = [];

  constructor(bucket: Bucket, connection: Connection, options: UploadOptions) {
    super(connection);
    this.#bucket = bucket;
    this.#options = options;
    this.#litter = () => connection.destination.litter(options.temporaryUri, connection.process);
  }

  get startHandle(): StoreHandle {
    return this.#handle();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.mustBeOpen('store.write');
    this.#length += bytes.length;
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const partBytes = 2 * this.#options.partBytesMin;
    while (this.#rest.length >= partBytes) await this.#uploadPart('store.write', partBytes);
  }

  async persist(): Promise<StoreHandle> {
    this.mustBeOpen('store.persist');
    await this.#deleteSuperseded();
    const { length } = this.#rest;
    if (length >= this.#options.partBytesMin) await this.#uploadPart('store.persist', length);
    else if (length > 0 && !this.#sideObjects.has(this.#length)) await this.#putTail();
    return this.#handle();
  }

  async closeForCommit(): Promise<StoreHandle> {
    this.mustBeOpen('store.closeForCommit');
    if (this.#rest.length > 0) await this.#uploadPart('store.closeForCommit', this.#rest.length);
    this.closed();
    return this.#handle();
  }

  checkpointed(handle: StoreHandle): void {
    const { parts, tail } = handle as UploadHandle;
    const uploaded = parts.reduce((sum, { length }) => sum + length, 0);
    const length = uploaded + (tail?.length ?? 0);
    this.#superseded = [...this.#sideObjects.keys()].filter(
      (end) => end < length || (end === length && tail === null),
    );
  }

  /** Parts are numbered from 1 without gaps; the same number always means the same bytes. */
  async #uploadPart(
    point: 'store.write' | 'store.persist' | 'store.closeForCommit',
    length: number,
  ): Promise<void> {
    const { uploadId, temporaryUri } = this.#options;
    const bytes = this.#rest.subarray(0, length);
    const number = this.#parts.length + 1;
    try {
      const etag = await this.call(point, () => this.#bucket.uploadPart(uploadId, number, bytes), true);
      this.#parts.push({ number, etag, length });
    } catch (error) {
      if (!isRefused(error, 'noSuchUpload')) throw error;
      throw refusedForGood('The upload was completed or aborted', temporaryUri);
    }
    this.#rest = this.#rest.subarray(length);
    this.#tail = null;
  }

  async #putTail(): Promise<void> {
    const bytes = this.#rest;
    const end = this.#length;
    const uri = `${this.#options.temporaryUri}.${end}`;
    await this.call('store.persist', () => this.#bucket.put(uri, bytes, this.#litter()));
    this.#sideObjects.set(end, uri);
    this.#tail = { uri, length: bytes.length, crc64: crc64Of(bytes) };
  }

  async #deleteSuperseded(): Promise<void> {
    const ends = this.#superseded;
    this.#superseded = [];
    if (ends.length === 0) return;
    const uris = ends.flatMap((end) => this.#sideObjects.get(end) ?? []);
    await this.call('store.persist', () => {
      for (const uri of uris) this.#bucket.delete(uri);
    });
    for (const end of ends) this.#sideObjects.delete(end);
  }

  #handle(): UploadHandle {
    return { uploadId: this.#options.uploadId, parts: [...this.#parts], tail: this.#tail };
  }
}

function handleOf({ temporaryUri }: PartTarget, { handle }: DurablePart): UploadHandle {
  if (handle !== null && typeof handle === 'object' && 'uploadId' in handle) return handle as UploadHandle;
  throw handleInvalid('The handle was not written by the OSS store', temporaryUri);
}
