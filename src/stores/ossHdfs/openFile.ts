/**
 * A file being written: an appending handle of this claim's client. A call of unknown outcome ends the handle
 * for good. Only a new owner, who takes the lease away first, can continue the file.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import type { OpenFile, StoreHandle } from '../port.ts';
import type { JindoClient } from './client.ts';
import { handleInvalid, JindoError, outcomeUnknown } from './errors.ts';
import type { Answer, Pointer } from './library.ts';

type Life =
  | { readonly type: 'open' }
  | { readonly type: 'closed' }
  | { readonly type: 'abandoned' }
  | { readonly type: 'failed'; readonly cause: TidemarkError };

export class JindoOpenFile implements OpenFile {
  readonly #client: JindoClient;
  readonly #uri: string;
  readonly #io: Pointer;
  #life: Life = { type: 'open' };
  #hasUnflushed = false;

  constructor(client: JindoClient, uri: string, io: Pointer) {
    this.#client = client;
    this.#uri = uri;
    this.#io = io;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#mustBeOpen('write to');
    if (bytes.length === 0) return;
    this.#hasUnflushed = true;
    const written = await this.#ask('write to', 'write', bytes, bytes.length, null);
    if (Number(written) !== bytes.length)
      this.#fail('write to', `it wrote ${String(written)} of ${bytes.length} bytes`);
  }

  async persist(): Promise<StoreHandle> {
    this.#mustBeOpen('persist');
    if (!this.#hasUnflushed) return null;
    if ((await this.#ask('flush', 'flush', null)) !== true) this.#fail('flush', 'it said no');
    this.#hasUnflushed = false;
    return null;
  }

  async closeForCommit(): Promise<StoreHandle> {
    this.#mustBeOpen('close');
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
    this.#mustBeOpen('look at');
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

  #mustBeOpen(doing: string): void {
    const life = this.#life;
    if (life.type === 'open') return;
    if (life.type === 'failed') {
      const message =
        `Cannot ${doing} ${this.#uri}: an earlier call on it failed, ` +
        'so what it holds is not known; abandon it.';
      throw new TidemarkError('STORE_OUTCOME_UNKNOWN', message, {
        fields: { files: [this.#uri] },
        cause: life.cause,
      });
    }
    throw handleInvalid(`Cannot ${doing} ${this.#uri}: this process has ${life.type} it.`, this.#uri);
  }
}
