/**
 * The calls to the file of one part writer: write, persist and close, one at a time and in order. After a
 * failure the file is not called again, and the latch ends the epoch.
 *
 * From `write` on, a buffer belongs to this queue. It is given back when its bytes are written; if that
 * failed, when the file is released, which may read it until then.
 */
import { isStoreFailure, StoreFailure } from '../stores/failure.ts';
import type { OpenFile, StoreHandle } from '../stores/port.ts';
import type { FailureLatch } from '../system/concurrency.ts';
import type { RunStats } from './stats.ts';
import type { TakenBuffer, WriteBuffers } from './writeBuffers.ts';

/** Bytes a single file may lag behind before the router waits for it. */
const BACKLOG_BYTES_MAX = 1024 * 1024;

export interface FileCallsOptions {
  readonly file: OpenFile;
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
  readonly #failedBuffers: TakenBuffer[] = [];
  #isHeld = true;

  constructor(options: FileCallsOptions) {
    this.#options = options;
    options.stats.heldFiles += 1;
  }

  get uri(): string {
    return this.#options.uri;
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

  /** Writes the first `length` bytes, and gives the buffer back. */
  write(buffer: TakenBuffer, length: number): void {
    const { stats, file, buffers } = this.#options;
    const bytes = buffer.value;
    const full = bytes.subarray(0, length);
    this.#backlogBytes += length;
    buffers.countWriting(bytes.length);
    const written = this.#enqueue(() => file.write(full));
    void written.then(
      () => {
        stats.bytesWritten += length;
        this.#backlogBytes -= length;
        buffer.giveBack();
        buffers.countWriting(-bytes.length);
      },
      () => {
        this.#backlogBytes -= length;
        this.#failedBuffers.push(buffer);
        buffers.countWriting(-bytes.length);
      },
    );
  }

  /** Makes everything written so far durable. */
  persist(): Promise<StoreHandle> {
    return this.#enqueue(() => this.#named(this.#options.file.persist()));
  }

  /** Makes everything durable and releases the file. */
  close(): Promise<StoreHandle> {
    const closed = this.#enqueue(() => this.#named(this.#options.file.closeForCommit()));
    void closed.then(
      () => this.#letGo(),
      () => undefined,
    );
    return closed;
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
