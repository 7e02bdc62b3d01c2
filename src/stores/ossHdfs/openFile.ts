/**
 * A file being written: an appending handle of this claim's client. A call of unknown outcome ends the handle
 * for good. Only a new owner, who takes the lease away first, can continue the file.
 */
import type { TidemarkError } from '../../../journal/errors.ts';
import { mustBeOpen, type FileLife } from '../failure.ts';
import type { OpenFile, StoreHandle } from '../port.ts';
import type { JindoClient } from './client.ts';
import { JindoError, outcomeUnknown } from './errors.ts';
import type { Answer, Pointer } from './library.ts';

export class JindoOpenFile implements OpenFile {
  readonly #client: JindoClient;
  readonly #uri: string;
  readonly #io: Pointer;
  #life: FileLife = { type: 'open' };
  #hasUnflushed = false;

  constructor(client: JindoClient, uri: string, io: Pointer) {
    this.#client = client;
    this.#uri = uri;
    this.#io = io;
  }

  async write(bytes: Uint8Array): Promise<void> {
    mustBeOpen(this.#life, 'write to', this.#uri);
    if (bytes.length === 0) return;
    this.#hasUnflushed = true;
    const written = await this.#ask('write to', 'write', bytes, bytes.length, null);
    if (Number(written) !== bytes.length)
      this.#fail('write to', `it wrote ${String(written)} of ${bytes.length} bytes`);
  }

  async persist(): Promise<StoreHandle> {
    mustBeOpen(this.#life, 'persist', this.#uri);
    if (!this.#hasUnflushed) return null;
    if ((await this.#ask('flush', 'flush', null)) !== true) this.#fail('flush', 'it said no');
    this.#hasUnflushed = false;
    return null;
  }

  async closeForCommit(): Promise<StoreHandle> {
    mustBeOpen(this.#life, 'close', this.#uri);
    if ((await this.#ask('close', 'close', null)) !== true) this.#fail('close', 'it said no');
    this.#life = { type: 'closed' };
    await this.#client.free(this.#io);
    return null;
  }

  async abandon(): Promise<void> {
    if (this.#life.type === 'closed' || this.#life.type === 'abandoned') return;
    this.#life = { type: 'abandoned' };
    await this.#client.free(this.#io);
  }

  /** Offset of the next byte. */
  async position(): Promise<number> {
    mustBeOpen(this.#life, 'look at', this.#uri);
    return Number(await this.#ask('look at', 'tell', null));
  }

  async #ask(
    doing: string,
    name: 'write' | 'flush' | 'close' | 'tell',
    ...args: (Uint8Array | number | null)[]
  ): Promise<Answer> {
    try {
      return await this.#client.run(name, this.#io, ...args);
    } catch (cause) {
      throw this.#failed(doing, cause);
    }
  }

  #fail(doing: string, why: string): never {
    throw this.#failed(doing, new JindoError(0, 'JindoSDK', why));
  }

  /** If a call on an appending handle fails, it is unknown what reached the service. */
  #failed(doing: string, cause: unknown): TidemarkError {
    const error = outcomeUnknown(doing, this.#uri, cause);
    if (this.#life.type === 'open') this.#life = { type: 'failed', cause: error };
    return error;
  }
}
