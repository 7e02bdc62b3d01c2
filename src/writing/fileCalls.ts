/**
 * The calls to the file of one part writer: write, persist and close, one at a time and in order; with the
 * length and the CRC of what was written. After a failure the file is not called again, and the latch ends
 * the epoch.
 *
 * With a codec, each `write` is one frame: a complete gzip member or zstd frame. So whatever was persisted is
 * a complete compressed file.
 *
 * From `write` on, a buffer belongs to this queue. It is given back when its bytes are written; if that
 * failed, when the file is released, which may read it until then.
 */
import { Crc64 } from '../../kernels/crc64.ts';
import type { Codec } from '../formats/compression/codec.ts';
import { isStoreFailure, StoreFailure } from '../stores/failure.ts';
import type { DurablePart, OpenFile, StoreHandle } from '../stores/port.ts';
import type { FailureLatch } from '../system/concurrency.ts';
import type { RunStats } from './runStats.ts';
import type { TakenBuffer, WriteBuffers } from './writeBuffers.ts';

/** Bytes a single file may lag behind before the router waits for it. */
const BACKLOG_BYTES_MAX = 1024 * 1024;

/** The first `length` bytes of a buffer. */
export interface Piece {
  readonly buffer: TakenBuffer;
  readonly length: number;
}

export interface FileCallsOptions {
  readonly file: OpenFile;
  /** Null: bytes are written as they are. */
  readonly codec: Codec | null;
  /** What the file already holds; null for a new one. */
  readonly durable: Pick<DurablePart, 'length' | 'crc64'> | null;
  readonly uri: string;
  readonly stats: RunStats;
  readonly latch: FailureLatch;
  readonly buffers: WriteBuffers;
  /** Offsets of the records that were written to the file: [fromOffset, toOffset). */
  readonly offsets: () => { readonly fromOffset: bigint; readonly toOffset: bigint };
}

export class FileCalls {
  readonly #options: FileCallsOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #backlogBytes = 0;
  /** Of all that was written, as it stands in the file. */
  #length: number;
  readonly #crc: Crc64;
  /** What this process wrote of it, before and after compression. */
  #plainBytes = 0;
  #writtenBytes = 0;
  readonly #failedBuffers: TakenBuffer[] = [];
  #isHeld = true;

  constructor(options: FileCallsOptions) {
    const { durable, stats } = options;
    this.#options = options;
    this.#length = durable?.length ?? 0;
    this.#crc = durable === null ? new Crc64() : Crc64.from(durable.crc64);
    stats.heldFiles += 1;
  }

  get uri(): string {
    return this.#options.uri;
  }

  /** The file's length once these bytes, and no more, are written: with a codec an estimate. */
  lengthWith(plainBytes: number): number {
    if (this.#plainBytes === 0) return this.#length;
    const ratio = this.#writtenBytes / this.#plainBytes;
    return this.#length + Math.floor((plainBytes - this.#plainBytes) * ratio);
  }

  /** Bytes handed to the file but not yet written. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Whether to wait for its writes, so that others find room. */
  get holdsUp(): boolean {
    return this.#backlogBytes > BACKLOG_BYTES_MAX || this.#options.buffers.isShort;
  }

  /** Resolves when `holdsUp` may have changed. */
  async caughtUp(): Promise<void> {
    await (this.#backlogBytes > 0 ? this.drained() : this.#options.buffers.written());
  }

  /** Resolves when everything handed to the file is written; failures go to the latch. */
  async drained(): Promise<void> {
    await Promise.allSettled([this.#queue]);
  }

  /** Writes the pieces in order, with a codec as one frame, and gives their buffers back. */
  write(pieces: readonly Piece[]): void {
    const { codec } = this.#options;
    if (codec !== null) this.#write(pieces, () => codec.compress(joined(pieces)));
    else for (const piece of pieces) this.#write([piece], () => bytesOf(piece));
  }

  #write(pieces: readonly Piece[], encode: () => Uint8Array | Promise<Uint8Array>): void {
    const { buffers } = this.#options;
    const plainBytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const takenBytes = pieces.reduce((sum, { buffer }) => sum + buffer.value.length, 0);
    this.#backlogBytes += plainBytes;
    buffers.countWriting(takenBytes);
    const written = this.#enqueue(async () => {
      const bytes = await encode();
      this.#plainBytes += plainBytes;
      this.#writtenBytes += bytes.length;
      await this.#writeBytes(bytes);
    });
    const ended = (): void => {
      this.#backlogBytes -= plainBytes;
      buffers.countWriting(-takenBytes);
    };
    void written.then(
      () => {
        for (const { buffer } of pieces) buffer.giveBack();
        ended();
      },
      () => {
        for (const { buffer } of pieces) this.#failedBuffers.push(buffer);
        ended();
      },
    );
  }

  /** Writes pieces that are made when their turn comes, one after the other. */
  writeAll(make: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    return this.#enqueue(async () => {
      const pieces = make();
      if (Symbol.asyncIterator in pieces) for await (const bytes of pieces) await this.#writeBytes(bytes);
      else for (const bytes of pieces) await this.#writeBytes(bytes);
    });
  }

  async #writeBytes(bytes: Uint8Array): Promise<void> {
    const { file, stats } = this.#options;
    this.#crc.update(bytes);
    this.#length += bytes.length;
    const startedMs = stats.counts.nowMs();
    try {
      await file.write(bytes);
    } catch (error) {
      stats.counts.storeCall('write', startedMs, 'error');
      throw error;
    }
    stats.counts.storeCall('write', startedMs, 'ok');
    stats.bytesWritten += bytes.length;
  }

  /** Makes everything written so far durable. */
  persist(): Promise<DurablePart> {
    return this.persistWith((persistFile) => persistFile());
  }

  /** The same, with what else must be durable for it. */
  persistWith(
    persist: (persistFile: () => Promise<DurablePart>) => Promise<DurablePart>,
  ): Promise<DurablePart> {
    const persistFile = () => this.#durable('persist', this.#options.file.persist());
    return this.#enqueue(() => persist(persistFile));
  }

  /** Makes everything durable and releases the file. */
  close(): Promise<DurablePart> {
    const closed = this.#enqueue(() => this.#durable('closeForCommit', this.#options.file.closeForCommit()));
    void closed.then(
      () => this.#letGo(),
      () => undefined,
    );
    return closed;
  }

  /** The calls are in order: nothing more is written before this one has ended. */
  async #durable(operation: string, call: Promise<StoreHandle>): Promise<DurablePart> {
    const { counts } = this.#options.stats;
    const startedMs = counts.nowMs();
    let handle: StoreHandle;
    try {
      handle = await this.#named(call);
    } catch (error) {
      counts.storeCall(operation, startedMs, 'error');
      throw error;
    }
    counts.storeCall(operation, startedMs, 'ok');
    return { length: this.#length, crc64: this.#crc.hex(), handle };
  }

  /** Releases the file as it is, once the calls before have ended. */
  async abandon(): Promise<void> {
    await this.drained();
    await this.#options.file.abandon();
    this.#letGo();
    for (const buffer of this.#failedBuffers.splice(0)) buffer.giveBack();
  }

  /** The system no longer holds the file open. */
  #letGo(): void {
    if (this.#isHeld) this.#options.stats.heldFiles -= 1;
    this.#isHeld = false;
  }

  #enqueue<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(call);
    this.#queue = result;
    result.catch((error: unknown) => {
      this.#options.latch.fail(error, `Writing ${this.#options.uri}`);
    });
    return result;
  }

  /** If its file has lost content, the error names the offsets of the records that were written to it. */
  async #named<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (!isStoreFailure(error, 'contentDiffers')) throw error;
      const { problem, message, fields, affected } = error;
      throw new StoreFailure(problem, message, {
        ...{ fields, affected: { ...affected, ...this.#options.offsets() }, cause: error },
      });
    }
  }
}

function bytesOf({ buffer, length }: Piece): Uint8Array {
  return buffer.value.subarray(0, length);
}

function joined(pieces: readonly Piece[]): Uint8Array {
  const [first] = pieces;
  return first !== undefined && pieces.length === 1 ? bytesOf(first) : Buffer.concat(pieces.map(bytesOf));
}
