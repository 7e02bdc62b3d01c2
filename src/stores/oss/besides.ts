/** Side objects: bytes of a file that is not published, in objects that never change. */
import { exists } from '../failure.ts';
import { isRefusal } from './errors.ts';
import type { Content, Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';

export class Besides {
  readonly #objects: Objects;
  readonly #keys: ObjectKeys;
  /** Those of files that this process opened, by the temporary name: a listing is saved. */
  readonly #known = new Map<string, Set<string>>();

  constructor(objects: Objects, keys: ObjectKeys) {
    this.#objects = objects;
    this.#keys = keys;
  }

  /** From now on, this process knows all that stand beside the file. */
  open(temporaryUri: string): void {
    this.#known.set(temporaryUri, new Set());
  }

  /** Identical bytes may stand already: an earlier attempt has put them. */
  async put(temporaryUri: string, uri: string, content: Content): Promise<void> {
    const key = this.#keys.temporaryKeyOf(uri);
    this.#known.get(temporaryUri)?.add(uri);
    try {
      await this.#objects.putNew(key, content);
    } catch (error) {
      if (!isRefusal(error, 'FileAlreadyExists')) throw error;
      const found = await this.#objects.head(key);
      if (found?.length !== content.length || found.crc64 !== content.crc64) throw exists(uri, error);
    }
  }

  async remove(temporaryUri: string, uri: string): Promise<void> {
    await this.#objects.remove(this.#keys.temporaryKeyOf(uri));
    this.#known.get(temporaryUri)?.delete(uri);
  }

  /** Removes those that stand beside a file that this process opened; it has looked at nothing else. */
  async removeKnown(temporaryUri: string): Promise<void> {
    const known = this.#known.get(temporaryUri);
    if (known === undefined) return this.removeAll(temporaryUri);
    for (const uri of [...known]) await this.remove(temporaryUri, uri);
    this.#known.delete(temporaryUri);
  }

  /** Removes what has this temporary name, or begins with it. */
  async removeAll(temporaryUri: string, isKept: (uri: string) => boolean = () => false): Promise<void> {
    const prefix = this.#keys.temporaryKeyOf(temporaryUri);
    for await (const key of this.#objects.keys(prefix))
      if (!isKept(this.#keys.uriOf(key))) await this.#objects.remove(key);
    this.#known.delete(temporaryUri);
  }
}
