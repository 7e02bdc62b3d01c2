/**
 * An OSS bucket: objects, and multipart uploads that become an object when they are completed. A later upload
 * part replaces one of the same number, from any sender. A completion names each part with its ETag, and
 * continues if its client dies.
 */
import { crc64Of } from '../../../kernels/crc64.ts';
import { isHidden, isNobodys, type Destination, type Litter } from '../destination.ts';
import { Refused } from '../errors.ts';
import { withOtherByte } from '../server.ts';

/** A part as its completion lists it. */
export interface ListedPart {
  readonly number: number;
  readonly etag: string;
}

interface Upload {
  readonly uri: string;
  /** Of the part file that it is for. */
  readonly temporaryUri: string;
  readonly parts: Map<number, Buffer>;
}

/** Longest time that a completion continues after the upload id has ended. */
const COMPLETION_MS_MAX = 300;

export class Bucket {
  readonly #destination: Destination;
  readonly #later: (delayMs: number, run: () => void) => void;
  readonly #partBytesMin: number;
  readonly #objects = new Map<string, { readonly bytes: Buffer; readonly litter: Litter | null }>();
  readonly #uploads = new Map<string, Upload>();
  /** Objects that a completion is about to create. */
  readonly #completing = new Set<string>();
  #uploadsBegun = 0;

  constructor(
    destination: Destination,
    later: (delayMs: number, run: () => void) => void,
    partBytesMin: number,
  ) {
    this.#destination = destination;
    this.#later = later;
    this.#partBytesMin = partBytesMin;
  }

  /**
   * Side objects, and uploads that hold something; one without a part costs nothing, and nobody may know its
   * id.
   */
  leftovers(): string[] {
    const objects = [...this.#objects].filter(
      ([uri, { litter }]) => isHidden(uri) && !(litter !== null && isNobodys(litter)),
    );
    const uploads = [...this.#uploads].filter(([, { parts }]) => parts.size > 0);
    return [
      ...objects.map(([uri]) => uri),
      ...uploads.map(([id, { uri }]) => `${uri} (upload ${id})`),
    ].sort();
  }

  /** Every hidden object. */
  hidden(): { readonly uri: string; readonly bytes: number }[] {
    return [...this.#objects].flatMap(([uri, { bytes }]) =>
      isHidden(uri) ? [{ uri, bytes: bytes.length }] : [],
    );
  }

  uploads(): { readonly id: string; readonly uri: string; readonly temporaryUri: string }[] {
    return [...this.#uploads].map(([id, { uri, temporaryUri }]) => ({ id, uri, temporaryUri }));
  }

  put(uri: string, bytes: Buffer, litter: Litter | null): void {
    if (this.#objects.has(uri)) throw new Refused('exists', uri);
    this.#objects.set(uri, { bytes, litter });
    this.#destination.show(uri, bytes);
  }

  /** Only at its end: a request that names another length was sent before, or by somebody else. */
  append(uri: string, position: number, bytes: Buffer): void {
    const object = this.#objects.get(uri);
    if (object === undefined) throw new Refused('notFound', uri);
    if (object.bytes.length !== position) throw new Refused('positionTaken', uri);
    this.#objects.set(uri, { ...object, bytes: Buffer.concat([object.bytes, bytes]) });
  }

  get(uri: string): Buffer | null {
    return this.#objects.get(uri)?.bytes ?? null;
  }

  delete(uri: string): void {
    this.#objects.delete(uri);
    this.#destination.hide(uri);
  }

  list(prefix: string): string[] {
    return [...this.#objects.keys()].filter((uri) => uri.startsWith(prefix)).sort();
  }

  beginUpload(uri: string, temporaryUri: string): string {
    this.#uploadsBegun += 1;
    const id = `upload-${this.#uploadsBegun}`;
    this.#uploads.set(id, { uri, temporaryUri, parts: new Map() });
    return id;
  }

  #upload(id: string): Upload {
    const upload = this.#uploads.get(id);
    if (upload === undefined) throw new Refused('noSuchUpload', id);
    return upload;
  }

  /** Replaces any part with this number. */
  uploadPart(id: string, number: number, bytes: Buffer): string {
    this.#upload(id).parts.set(number, bytes);
    return etagOf(bytes);
  }

  /** The content of the listed parts, if each matches its listing. */
  contentOf(id: string, listed: readonly ListedPart[]): Buffer {
    const { parts } = this.#upload(id);
    const found = listed.map(({ number, etag }) => {
      const bytes = parts.get(number);
      if (bytes === undefined || etagOf(bytes) !== etag) throw new Refused('invalidPart', `${id} ${number}`);
      return bytes;
    });
    if (found.slice(0, -1).some((bytes) => bytes.length < this.#partBytesMin))
      throw new Refused('partTooSmall', id);
    return Buffer.concat(found);
  }

  /** The upload ends at once; the object may appear a while later. Never replaces an existing object. */
  complete(id: string, listed: readonly ListedPart[]): void {
    const { uri } = this.#upload(id);
    const bytes = this.contentOf(id, listed);
    if (this.#objects.has(uri) || this.#completing.has(uri)) throw new Refused('exists', uri);
    this.#uploads.delete(id);
    const { random } = this.#destination;
    if (random.percent(50)) {
      this.put(uri, bytes, null);
      return;
    }
    this.#completing.add(uri);
    this.#later(random.below(COMPLETION_MS_MAX), () => {
      this.#completing.delete(uri);
      // Another process may have put an object there meanwhile: it stays, and the next look finds the
      // difference.
      if (!this.#objects.has(uri)) this.put(uri, bytes, null);
    });
  }

  /** A lifecycle rule removes the uploads of the object. False if there are none. */
  expire(uri: string): boolean {
    const ids = [...this.#uploads].flatMap(([id, upload]) => (upload.uri === uri ? [id] : []));
    for (const id of ids) this.abort(id);
    return ids.length > 0;
  }

  /** A byte of each upload of the object, or else of these objects, is another one. False without any. */
  change(uri: string, objects: readonly string[]): boolean {
    let isDone = false;
    for (const { uri: own, parts } of this.#uploads.values()) {
      const first = parts.get(1);
      if (own !== uri || first === undefined || first.length === 0) continue;
      parts.set(1, withOtherByte(first));
      isDone = true;
    }
    for (const name of isDone ? [] : objects) {
      const object = this.#objects.get(name);
      if (object === undefined || object.bytes.length === 0) continue;
      this.#objects.set(name, { ...object, bytes: withOtherByte(object.bytes) });
      isDone = true;
    }
    return isDone;
  }

  abort(id: string): void {
    this.#uploads.delete(id);
  }
}

function etagOf(bytes: Buffer): string {
  return crc64Of(bytes);
}
