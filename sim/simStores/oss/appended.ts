/** A scratch file of plain OSS: an object that is appended to at the length that it must have. */
import type { StoreHandle } from '../../../src/stores/port.ts';
import { SimOpenFile, type Connection } from '../base.ts';
import { Refused, refusedForGood } from '../errors.ts';
import type { Bucket } from './bucket.ts';

export class ObjectBeingAppended extends SimOpenFile {
  readonly #bucket: Bucket;
  readonly #uri: string;
  #length = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(bucket: Bucket, connection: Connection, uri: string) {
    super(connection);
    this.#bucket = bucket;
    this.#uri = uri;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.mustBeOpen('store.write');
    this.#rest = Buffer.concat([this.#rest, bytes]);
    return Promise.resolve();
  }

  async persist(): Promise<StoreHandle> {
    this.mustBeOpen('store.persist');
    const [position, rest] = [this.#length, this.#rest];
    this.#length += rest.length;
    this.#rest = Buffer.alloc(0);
    if (rest.length === 0) return null;
    try {
      await this.call('store.persist', () => this.#bucket.append(this.#uri, position, rest), true);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      throw refusedForGood('The object is gone, or somebody else has appended to it', this.#uri);
    }
    return null;
  }

  async closeForCommit(): Promise<StoreHandle> {
    await this.persist();
    this.closed();
    return null;
  }
}
