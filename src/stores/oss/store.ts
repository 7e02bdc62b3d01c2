/**
 * The plain OSS store: a part file is a multipart upload of its final name, which is completed to publish it.
 *
 * A file in progress is not appended to by a later owner but finished at its checkpointed length. What an
 * earlier owner still sends goes into an upload that its completion ends, under part numbers that the
 * completion does not name.
 */
import { jobName } from '../../../journal/ids.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import type { Pacer } from '../../../journal/port.ts';
import { systemClock } from '../../system/clock.ts';
import type { OssCredentials } from '../alibaba/credentials.ts';
import type { OssAddress } from '../alibaba/path.ts';
import { handleInvalid } from '../failure.ts';
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
} from '../port.ts';
import type { StoreReading } from '../reading.ts';
import type { Temporaries } from '../temporaries.ts';
import { Besides } from './besides.ts';
import { claimMarker, listWitnesses, readMarker, removeWitnesses, writeWitness } from './bookkeeping.ts';
import { OssClient } from './client.ts';
import { refusedOrUnknown, unavailable } from './errors.ts';
import { END_MARK, finish } from './finish.ts';
import { parseHandle } from './handle.ts';
import { Objects } from './objects.ts';
import { commit, ensurePublished, type Publishing } from './publish.ts';
import { ossReading } from './reading.ts';
import { ossTemporaries } from './temporaries.ts';
import { createScratch, readScratch } from './scratch.ts';
import { verifyUnpublished } from './unpublished.ts';
import { UploadBeingWritten } from './upload.ts';
import { UploadRoom, uploadRoomBytes } from './uploadRoom.ts';
import { ObjectKeys } from './uri.ts';

export interface OssStoreOptions {
  readonly ossBucket: string;
  readonly region: string;
  readonly address: OssAddress;
  /** Asked for each request. */
  readonly keys: () => Promise<OssCredentials>;
  /** Called when the store itself is closed, not one of its sessions. */
  readonly onClose?: () => void;
  /** When a file has so many bytes, they are uploaded. */
  readonly uploadPartBytes: number;
  /** Memory for bytes that are not uploaded; that of some parts if not given. */
  readonly uploadRoomBytes?: number;
  /** What an answer may take, in milliseconds. */
  readonly answerMs?: number;
  readonly wallMs?: () => number;
  /** Paces retries, and the looks for a file that is not found. */
  readonly pacer?: Pacer;
}

/** Sends no request before the first call. */
export function openOssStore(options: OssStoreOptions): Store {
  return new OssStore(options);
}

interface SharedParts {
  readonly client: OssClient;
  readonly room: UploadRoom;
  readonly bucket: BucketCheck;
}

/** Null: the next call that writes looks whether the bucket has versioning. */
interface BucketCheck {
  checked: Promise<void> | null;
}

class OssStore implements Store {
  readonly kind = 'oss';
  readonly takeover: FinishingTakeover = {
    ...{ type: 'finish', copies: false },
    finish: async (target, durable, { tail }) => {
      await this.#ready();
      return finish(this.#publishing, target, durable, tail);
    },
  };
  readonly sideObjects: SideObjects = {
    discardUncheckpointed: (target, checkpointed) => this.#discardUncheckpointed(target, checkpointed),
  };
  readonly unpublished: UnpublishedFiles = {
    verify: (target, durable) => verifyUnpublished(this.#publishing, target, durable),
  };
  readonly scratch: ScratchFiles = {
    create: (uri) => this.#createScratch(uri),
    read: (uri, durable, take) =>
      readScratch(this.#objects, this.#keys.temporaryKeyOf(uri), uri, durable, take),
  };
  readonly reading: StoreReading;
  readonly temporaries: Temporaries;
  readonly #options: OssStoreOptions;
  readonly #client: OssClient;
  readonly #keys: ObjectKeys;
  readonly #objects: Objects;
  readonly #besides: Besides;
  readonly #room: UploadRoom;
  readonly #isOwner: boolean;
  readonly #publishing: Publishing;
  readonly #bucket: BucketCheck;

  /** @param shared what the sessions of a store share; null for the store itself. */
  constructor(options: OssStoreOptions, shared: SharedParts | null = null) {
    const { ossBucket, uploadPartBytes, pacer = systemClock } = options;
    this.#options = options;
    this.#isOwner = shared === null;
    this.#client = shared?.client ?? new OssClient({ ...options, pacer });
    this.#keys = new ObjectKeys(ossBucket);
    const bucket = shared?.bucket ?? { checked: null };
    this.#bucket = bucket;
    // An answer showed that somebody has switched versioning on: the next call of any session finds it out.
    this.#objects = new Objects(this.#client, () => (bucket.checked = null));
    this.#besides = new Besides(this.#objects, this.#keys);
    this.#room = shared?.room ?? new UploadRoom(options.uploadRoomBytes ?? uploadRoomBytes(uploadPartBytes));
    this.#publishing = { objects: this.#objects, keys: this.#keys, besides: this.#besides, pacer };
    this.reading = ossReading(this.#objects, this.#keys);
    this.temporaries = ossTemporaries(this.#objects, this.#keys);
  }

  /** Nothing tells the service who a client is: all claims share its connections. */
  session(): Store {
    const shared = { client: this.#client, room: this.#room, bucket: this.#bucket };
    return new OssStore(this.#options, shared);
  }

  get excessBytes(): number {
    return this.#room.excessBytes;
  }

  async create({ finalUri, temporaryUri }: PartTarget): Promise<OpenFile> {
    await this.#ready();
    this.#keys.temporaryKeyOf(temporaryUri);
    const key = this.#keys.keyOf(finalUri);
    let uploadId: string;
    try {
      uploadId = await this.#objects.beginUpload(key);
    } catch (cause) {
      throw refusedOrUnknown('begin the upload of', finalUri, cause);
    }
    this.#besides.open(temporaryUri);
    const { uploadPartBytes } = this.#options;
    return new UploadBeingWritten({
      ...{ objects: this.#objects, besides: this.#besides, room: this.#room, uploadPartBytes },
      ...{ finalUri, temporaryUri, key, uploadId },
    });
  }

  async #createScratch(uri: string): Promise<OpenFile> {
    const key = this.#keys.temporaryKeyOf(uri);
    await this.#ready();
    return createScratch({ objects: this.#objects, key, uri });
  }

  async commit(target: PartTarget, durable: DurablePart): Promise<void> {
    await this.#ready();
    await commit(this.#publishing, target, durable);
  }

  async commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    await this.#ready();
    await ensurePublished(this.#publishing, target, durable);
  }

  async discard(temporaryUris: readonly string[], handle: StoreHandle): Promise<void> {
    // All names are checked before the first is removed.
    for (const uri of temporaryUris) this.#keys.temporaryKeyOf(uri);
    const upload = parseHandle(handle);
    if (handle !== null && upload === null)
      throw handleInvalid('The handle was not written by the OSS store.', temporaryUris[0] ?? '');
    if (upload?.key !== undefined) {
      const uri = this.#keys.uriOf(upload.key);
      await this.#call('abort the upload of', uri, () =>
        this.#objects.abort(upload.key ?? '', upload.uploadId),
      );
    }
    for (const uri of temporaryUris) await this.#call('remove', uri, () => this.#besides.removeAll(uri));
  }

  async #discardUncheckpointed({ temporaryUri }: PartTarget, checkpointed: StoreHandle): Promise<void> {
    const kept = parseHandle(checkpointed)?.tail?.uri ?? null;
    // What a settler keeps there is its own.
    const isKept = (uri: string): boolean => uri === kept || uri.startsWith(`${temporaryUri}${END_MARK}`);
    await this.#call('remove', temporaryUri, () => this.#besides.removeAll(temporaryUri, isKept));
  }

  async claimMarker(
    ...[sinkUri, job, id]: Parameters<Store['claimMarker']>
  ): ReturnType<Store['claimMarker']> {
    await this.#ready();
    return claimMarker(this.#place, sinkUri, jobName(job), id);
  }

  readMarker(...[sinkUri, job]: Parameters<Store['readMarker']>): ReturnType<Store['readMarker']> {
    return readMarker(this.#place, sinkUri, jobName(job));
  }

  writeWitness(folderUri: string, name: string): Promise<void> {
    return writeWitness(this.#place, folderUri, name);
  }

  listWitnesses(folderUri: string): Promise<readonly string[]> {
    return listWitnesses(this.#place, folderUri);
  }

  removeWitnesses(folderUri: string, names: readonly string[]): Promise<void> {
    return removeWitnesses(this.#place, folderUri, names);
  }

  /** The end of a session leaves the connections to the others. */
  async close(): Promise<void> {
    await Promise.resolve();
    if (!this.#isOwner) return;
    this.#options.onClose?.();
    this.#client.close();
  }

  get #place() {
    return { objects: this.#objects, keys: this.#keys };
  }

  async #call(doing: string, uri: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (cause) {
      throw unavailable(doing, uri, cause);
    }
  }

  /** Before anything is written: a bucket with versioning would overwrite published files. */
  async #ready(): Promise<void> {
    const bucket = this.#bucket;
    const checked = bucket.checked ?? this.#checkBucket();
    bucket.checked = checked;
    try {
      await checked;
    } catch (error) {
      if (bucket.checked === checked) bucket.checked = null;
      throw error;
    }
  }

  async #checkBucket(): Promise<void> {
    const uri = `oss://${this.#options.ossBucket}`;
    let versioning: string | null;
    try {
      versioning = await this.#objects.versioning();
    } catch (cause) {
      throw unavailable('look whether versioning is on in', uri, cause);
    }
    if (versioning === null) return;
    throw new TidemarkError(
      'OSS_BUCKET_VERSIONED',
      `The bucket ${uri} has versioning (${versioning}), so OSS ignores that a file must not be ` +
        'overwritten. Nothing is written there. Choose a bucket that never had versioning: it can be ' +
        'suspended, but not removed.',
      { affected: { files: [uri] } },
    );
  }
}
