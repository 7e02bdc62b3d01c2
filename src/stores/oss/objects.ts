/** The operations of OSS that the store uses, on the keys of one bucket. */
import type { Crc64Hex } from '../../../journal/ids.ts';
import { BadAnswer, isRefusal } from './errors.ts';
import type { OssClient } from './client.ts';
import type { Answer } from './transport.ts';
import { elementsOf, escaped, textOf } from './xml.ts';
import type { UploadedPart } from './handle.ts';

const LIST_KEYS_MAX = '1000';
/** A completion puts up to 10,000 parts together. */
const COMPLETION_MS = 60_000;
const FORBID_OVERWRITE = { 'x-oss-forbid-overwrite': 'true' } as const;

/** The bytes of a request. */
export interface Content {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
  readonly crc64: Crc64Hex;
}

export interface ObjectFacts {
  readonly length: number;
  /** Null if the service does not say it. */
  readonly crc64: Crc64Hex | null;
  /** Null: do not compare it, since the object grows. */
  readonly etag: string | null;
}

export interface ListedPart extends UploadedPart {
  /** Null if the service does not say it. */
  readonly crc64: Crc64Hex | null;
}

export interface ListPage {
  readonly objects: readonly {
    readonly key: string;
    readonly length: number;
    /** In milliseconds since 1970, by the service's clock. */
    readonly modifiedAtMs: number;
  }[];
  /** Common prefixes, each with the delimiter at its end. */
  readonly folders: readonly string[];
  /** Null at the end of the listing. */
  readonly next: string | null;
}

export interface ListedUpload {
  readonly key: string;
  readonly uploadId: string;
  /** In milliseconds since 1970, by the service's clock. */
  readonly begunAtMs: number;
}

export class Objects {
  readonly #client: OssClient;
  /** Called with the header that only a bucket with versioning answers. */
  readonly #onVersioned: () => void;

  constructor(client: OssClient, onVersioned: () => void) {
    this.#client = client;
    this.#onVersioned = onVersioned;
  }

  /** Null if there is no such object. */
  async head(key: string): Promise<ObjectFacts | null> {
    try {
      const { headers } = await this.#client.call({ method: 'HEAD', key }, 'identical');
      const length = Number(headers['content-length'] ?? NaN);
      if (!Number.isSafeInteger(length)) throw new BadAnswer(`OSS answered no length for ${key}`);
      return { length, crc64: crcOf(headers), etag: etagOf(headers) };
    } catch (error) {
      if (isRefusal(error, 'NoSuchKey')) return null;
      throw error;
    }
  }

  /** Creates an object. Refused with FileAlreadyExists, also if an earlier attempt of the call created it. */
  async putNew(key: string, content: Content): Promise<void> {
    await this.#put({ key, query: {}, headers: FORBID_OVERWRITE }, content);
  }

  /**
   * The part's ETag. The same bytes may be sent again; the last sent stand.
   * @param isWanted whether to send them again after a failure.
   */
  uploadPart(
    key: string,
    uploadId: string,
    number: number,
    content: Content,
    isWanted?: () => boolean,
  ): Promise<string> {
    const query = { partNumber: String(number), uploadId };
    return this.#put({ key, query, headers: {} }, content, isWanted);
  }

  async #put(
    request: Pick<Parameters<OssClient['call']>[0], 'key' | 'query' | 'headers'>,
    { pieces, crc64 }: Content,
    isWanted?: () => boolean,
  ): Promise<string> {
    const answer = await this.#client.call(
      { ...request, method: 'PUT', body: pieces },
      'identical',
      (given) => {
        expectCrc(given, crc64);
        if (etagOf(given.headers) === '') throw new BadAnswer(`OSS answered no ETag for ${request.key}`);
      },
      isWanted,
    );
    this.#look(answer);
    return etagOf(answer.headers);
  }

  /** @param crc64 of the whole object afterwards. */
  async append(key: string, position: number, { pieces }: Content, crc64: Crc64Hex): Promise<void> {
    const query = { append: null, position: String(position) };
    const check = (answer: Answer): void => expectCrc(answer, crc64);
    this.#look(await this.#client.call({ method: 'POST', key, query, body: pieces }, 'unsent', check));
  }

  /** Succeeds if there is none. */
  async remove(key: string): Promise<void> {
    await this.#client.call({ method: 'DELETE', key }, 'identical');
  }

  /** The bytes [from, to) of an object that has them. */
  stream(key: string, { from, to, etag }: { from: number; to: number; etag: string | null }) {
    const headers = {
      range: `bytes=${from}-${to - 1}`,
      ...(etag === null ? {} : { 'if-match': `"${etag}"` }),
    };
    return this.#client.stream({ method: 'GET', key, headers });
  }

  async #list(prefix: string, delimiter: string | null, token: string | null): Promise<ListPage> {
    const query = {
      ...{ 'list-type': '2', 'max-keys': LIST_KEYS_MAX, 'encoding-type': 'url' },
      ...(prefix === '' ? {} : { prefix }),
      ...(delimiter === null ? {} : { delimiter }),
      ...(token === null ? {} : { 'continuation-token': token }),
    };
    const { text } = await this.#client.call({ method: 'GET', key: '', query }, 'identical', expectList);
    const decoded = (xml: string, name: string): string => decodeURIComponent(textOf(xml, name) ?? '');
    return {
      objects: elementsOf(text, 'Contents').map((one) => ({
        key: decoded(one, 'Key'),
        length: Number(textOf(one, 'Size')),
        modifiedAtMs: timeOf(one, 'LastModified'),
      })),
      folders: elementsOf(text, 'CommonPrefixes').map((one) => decoded(one, 'Prefix')),
      next: textOf(text, 'IsTruncated') === 'true' ? textOf(text, 'NextContinuationToken') : null,
    };
  }

  async *pages(prefix: string, delimiter: string | null): AsyncGenerator<ListPage> {
    let token: string | null = null;
    do {
      const page = await this.#list(prefix, delimiter, token);
      yield page;
      token = page.next;
    } while (token !== null);
  }

  /** Keys with this prefix. */
  async *keys(prefix: string): AsyncGenerator<string> {
    for await (const page of this.pages(prefix, null)) for (const { key } of page.objects) yield key;
  }

  /** Uploads that are neither completed nor aborted, of keys with this prefix, in batches. */
  async *uploads(prefix: string): AsyncGenerator<readonly ListedUpload[]> {
    let markers: { readonly 'key-marker': string; readonly 'upload-id-marker': string } | null = null;
    do {
      const query = {
        ...{ uploads: null, 'max-uploads': LIST_KEYS_MAX, 'encoding-type': 'url' },
        ...(prefix === '' ? {} : { prefix }),
        ...markers,
      };
      const { text }: Answer = await this.#client.call(
        { method: 'GET', key: '', query },
        'identical',
        expectUploads,
      );
      yield elementsOf(text, 'Upload').map((one) => ({
        key: decodeURIComponent(textOf(one, 'Key') ?? ''),
        uploadId: textOf(one, 'UploadId') ?? '',
        begunAtMs: timeOf(one, 'Initiated'),
      }));
      markers =
        textOf(text, 'IsTruncated') === 'true'
          ? {
              'key-marker': decodeURIComponent(textOf(text, 'NextKeyMarker') ?? ''),
              'upload-id-marker': textOf(text, 'NextUploadIdMarker') ?? '',
            }
          : null;
    } while (markers !== null);
  }

  /** Each call begins an upload of its own. */
  async beginUpload(key: string): Promise<string> {
    const request = { method: 'POST', key, query: { uploads: null } } as const;
    const { text } = await this.#client.call(request, 'unsent');
    const uploadId = textOf(text, 'UploadId') ?? '';
    if (uploadId === '') throw new BadAnswer(`OSS answered no upload id for ${key}`);
    return uploadId;
  }

  /** The object's checksum. Never overwrites an object: refused with FileAlreadyExists. */
  async complete(key: string, uploadId: string, parts: readonly UploadedPart[]): Promise<Crc64Hex | null> {
    const listed = parts.map(
      ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${escaped(etag)}"</ETag></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`, 'utf8');
    const headers = { ...FORBID_OVERWRITE, 'content-type': 'application/xml' };
    const request = { method: 'POST', key, query: { uploadId }, headers, body: [body] } as const;
    const answer = await this.#client.call({ ...request, answerMs: COMPLETION_MS }, 'unsent');
    this.#look(answer);
    return crcOf(answer.headers);
  }

  /** Succeeds if there is no such upload. */
  async abort(key: string, uploadId: string): Promise<void> {
    try {
      await this.#client.call({ method: 'DELETE', key, query: { uploadId } }, 'identical');
    } catch (error) {
      if (!isRefusal(error, 'NoSuchUpload')) throw error;
    }
  }

  /** All parts that were uploaded, by number. Refused with NoSuchUpload. */
  async parts(key: string, uploadId: string): Promise<Map<number, ListedPart>> {
    const found = new Map<number, ListedPart>();
    for (let marker: string | null = ''; marker !== null;) {
      const query = {
        ...{ uploadId, 'max-parts': LIST_KEYS_MAX },
        ...(marker === '' ? {} : { 'part-number-marker': marker }),
      };
      const { text } = await this.#client.call({ method: 'GET', key, query }, 'identical');
      for (const part of elementsOf(text, 'Part').map(partOf)) found.set(part.number, part);
      marker = textOf(text, 'IsTruncated') === 'true' ? textOf(text, 'NextPartNumberMarker') : null;
    }
    return found;
  }

  /** `Enabled` or `Suspended`; null if the bucket never had it. */
  async versioning(): Promise<string | null> {
    const { text } = await this.#client.call(
      { method: 'GET', key: '', query: { versioning: null } },
      'identical',
    );
    if (!text.includes('VersioningConfiguration')) throw new BadAnswer('OSS answered no versioning state');
    return textOf(text, 'Status');
  }

  #look({ headers }: Answer): void {
    if (headers['x-oss-version-id'] !== undefined) this.#onVersioned();
  }
}

function partOf(xml: string): ListedPart {
  const crc64 = textOf(xml, 'HashCrc64ecma');
  return {
    number: Number(textOf(xml, 'PartNumber')),
    etag: unquoted(textOf(xml, 'ETag') ?? ''),
    length: Number(textOf(xml, 'Size')),
    crc64: crc64 === null ? null : crc64Hex(crc64),
  };
}

/** In milliseconds since 1970; one that is not there would make everything look old. */
function timeOf(xml: string, name: string): number {
  const timeMs = Date.parse(textOf(xml, name) ?? '');
  if (Number.isNaN(timeMs)) throw new BadAnswer(`OSS answered no ${name} in a listing`);
  return timeMs;
}

function expectUploads({ text }: Answer): void {
  if (!text.includes('ListMultipartUploadsResult')) throw new BadAnswer('OSS answered no list of uploads');
}

function expectList({ text }: Answer): void {
  if (!text.includes('ListBucketResult')) throw new BadAnswer('OSS answered no listing');
}

/** What arrived is what was sent: every answer to an upload has the checksum. */
function expectCrc({ headers }: Answer, sent: Crc64Hex): void {
  const found = crcOf(headers);
  if (found !== sent)
    throw new BadAnswer(`OSS received other bytes than were sent: CRC-64 ${found ?? 'unknown'}, not ${sent}`);
}

function crcOf(headers: Answer['headers']): Crc64Hex | null {
  const text = headers['x-oss-hash-crc64ecma'];
  return text === undefined || !/^\d{1,20}$/.test(text) ? null : crc64Hex(text);
}

/** OSS writes it as a decimal number. */
function crc64Hex(decimal: string): Crc64Hex {
  return BigInt.asUintN(64, BigInt(decimal)).toString(16).padStart(16, '0') as Crc64Hex;
}

function etagOf(headers: Answer['headers']): string {
  return unquoted(headers['etag'] ?? '');
}

/** OSS itself writes upper case. */
function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}
