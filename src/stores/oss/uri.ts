/** `oss://<ossBucket>[.<endpoint>]/path` URIs and the object keys that they name. */
import { handleInvalid } from '../failure.ts';

const URI = /^oss:\/\/([a-z0-9][a-z0-9-]*)(?:\.[^/]+)?\/(.*)$/s;
/** Of a key, in bytes of UTF-8. */
const KEY_BYTES_MAX = 1023;

export class ObjectKeys {
  readonly #ossBucket: string;

  constructor(ossBucket: string) {
    this.#ossBucket = ossBucket;
  }

  /** STORE_HANDLE_INVALID for a URI of another bucket, or of none. */
  keyOf(uri: string): string {
    const [, ossBucket, key = ''] = URI.exec(uri) ?? [];
    if (ossBucket === undefined || key === '' || key.startsWith('/'))
      throw handleInvalid(
        `"${uri}" is no URI of the OSS store: oss://<bucket>/path is expected. ` +
          'A part file of a former destination is settled by a run with the former sink.',
        uri,
      );
    if (ossBucket !== this.#ossBucket)
      throw handleInvalid(
        `"${uri}" lies in the OSS bucket ${ossBucket}, and this job writes to ${this.#ossBucket}: ` +
          'let a run with the former sink settle it.',
        uri,
      );
    if (Buffer.byteLength(key) > KEY_BYTES_MAX)
      throw handleInvalid(`"${uri}" has a path of more than ${KEY_BYTES_MAX} bytes, which OSS refuses.`, uri);
    return key;
  }

  /** Prefix of the keys below a folder: empty for the whole bucket. */
  prefixOf(folderUri: string): string {
    const folder = folderUri.replace(/\/+$/, '');
    return folder === `oss://${this.#ossBucket}` ? '' : `${this.keyOf(folder)}/`;
  }

  /** Of a hidden name: nothing that a reader may have seen is ever touched by its name. */
  temporaryKeyOf(uri: string): string {
    const key = this.keyOf(uri);
    if (key.slice(key.lastIndexOf('/') + 1).startsWith('.')) return key;
    const message = `"${uri}" is no temporary name: it does not begin with a dot. It is left alone.`;
    throw handleInvalid(message, uri);
  }

  /** As it is journaled. */
  uriOf(key: string): string {
    return `oss://${this.#ossBucket}/${key}`;
  }
}
