import type { ListObjectResult } from 'ali-oss';
import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { ownOssServer } from './fixture.ts';
import { aliOss, codeOf, signedFetch } from './testClient.ts';
import { parseXml, textOf } from '../../../servers/oss/xml.ts';

const PART_BYTES = 100 * 1024;

/** Parts are put by hand: ali-oss has no way to put just one. */
class Upload {
  readonly #address: string;
  readonly key: string;
  readonly id: string;
  readonly etags = new Map<number, string>();

  private constructor(address: string, key: string, id: string) {
    this.#address = address;
    this.key = key;
    this.id = id;
  }

  static async begin(address: string, key: string): Promise<Upload> {
    const response = await signedFetch(address, 'POST', `/lake/${key}?uploads`);
    return new Upload(address, key, textOf(parseXml(await response.text()), 'UploadId') ?? '');
  }

  async put(number: number, body: string): Promise<Response> {
    const target = `/lake/${this.key}?partNumber=${String(number)}&uploadId=${this.id}`;
    const response = await signedFetch(this.#address, 'PUT', target, { body });
    this.etags.set(number, response.headers.get('etag') ?? '');
    return response;
  }

  async complete(
    numbers = [...this.etags.keys()],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string | undefined> {
    const parts = numbers.map(
      (number) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${this.etags.get(number) ?? ''}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    const target = `/lake/${this.key}?uploadId=${this.id}`;
    const response = await signedFetch(this.#address, 'POST', target, { body, headers });
    return textOf(parseXml(await response.text()), 'Code') ?? 'completed';
  }
}

describe('OSS: objects', () => {
  test('a forbidden overwrite is refused, unless the bucket has versioning, also suspended', async () => {
    const { address } = await ownOssServer();
    const oss = aliOss(address);
    const forbid = { headers: { 'x-oss-forbid-overwrite': 'true' } };
    await oss.put('a', Buffer.from('1'), forbid);
    expect(await codeOf(oss.put('a', Buffer.from('2'), forbid))).toBe('FileAlreadyExists');
    for (const status of ['Enabled', 'Suspended'] as const) {
      const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`;
      await signedFetch(address, 'PUT', '/lake/?versioning', { body });
      await oss.put('a', Buffer.from(status), forbid);
      expect(((await oss.get('a')).content as Buffer).toString()).toBe(status);
    }
  });

  test('a range is a part of the object, with the checksum of the whole', async () => {
    const { address } = await ownOssServer();
    await aliOss(address).put('a', Buffer.from('0123456789'));
    const crc = BigInt(`0x${crc64Of(Buffer.from('0123456789'))}`).toString();
    for (const [range, status, text] of [
      ['bytes=2-4', 206, '234'],
      ['bytes=7-', 206, '789'],
      ['bytes=-2', 206, '89'],
      ['bytes=8-99', 206, '89'],
      ['bytes=nonsense', 200, '0123456789'],
    ] as const) {
      const response = await signedFetch(address, 'GET', '/lake/a', { headers: { range } });
      expect([response.status, await response.text()]).toEqual([status, text]);
      expect(response.headers.get('x-oss-hash-crc64ecma')).toBe(crc);
    }
    expect((await signedFetch(address, 'GET', '/lake/a', { headers: { range: 'bytes=10-' } })).status).toBe(
      416,
    );
  });

  test('a body whose MD5 is another one is refused and leaves the object as it was', async () => {
    const { address } = await ownOssServer();
    await signedFetch(address, 'PUT', '/lake/a', { body: 'old' });
    const headers = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' };
    const response = await signedFetch(address, 'PUT', '/lake/a', { body: 'new', headers });
    expect(response.status).toBe(400);
    expect(await (await signedFetch(address, 'GET', '/lake/a')).text()).toBe('old');
  });

  test('an ETag is the MD5, or the CRC-64 if the server is told so; both check a given MD5', async () => {
    const crc = crc64Of(Buffer.from('hello')).toUpperCase();
    for (const [etag, expected] of [
      ['md5', '5D41402ABC4B2A76B9719D911017C592'],
      ['crc64', `${crc}${crc}`],
    ] as const) {
      const { address } = await ownOssServer({ etag });
      const response = await signedFetch(address, 'PUT', '/lake/a', { body: 'hello' });
      expect(response.headers.get('etag')).toBe(`"${expected}"`);
      const headers = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' };
      const refused = await signedFetch(address, 'PUT', '/lake/a', { body: 'hello', headers });
      expect(refused.status).toBe(400);
      const upload = await Upload.begin(address, 'b');
      await upload.put(1, 'x'.repeat(PART_BYTES));
      await upload.put(2, 'y');
      expect(await upload.complete()).toBe('completed');
    }
  });

  test('a copy is an object of its own', async () => {
    const { address } = await ownOssServer();
    const oss = aliOss(address);
    await oss.put('a', Buffer.from('1'));
    await oss.copy('b', 'a');
    await oss.put('a', Buffer.from('2'));
    await oss.delete('a');
    expect(((await oss.get('b')).content as Buffer).toString()).toBe('1');
  });

  test('listings continue from page to page and fold what lies below a delimiter', async () => {
    const { address } = await ownOssServer();
    const oss = aliOss(address);
    for (const key of ['a/1', 'a/2', 'b', 'c/1', 'd']) await oss.put(key, Buffer.from('x'));
    const seen: string[] = [];
    for (let marker: string | undefined, more = true; more;) {
      // Where there are none, ali-oss leaves out what its types promise.
      const page: Partial<ListObjectResult> = await oss.list(
        { delimiter: '/', 'max-keys': 2, ...(marker === undefined ? {} : { marker }) },
        {},
      );
      seen.push(...(page.objects ?? []).map(({ name }) => name), ...(page.prefixes ?? []));
      marker = page.nextMarker;
      more = page.isTruncated === true;
    }
    expect(seen.sort()).toEqual(['a/', 'b', 'c/', 'd']);
  });

  test('a bucket that is not empty cannot be removed, one that is not there cannot be used', async () => {
    const { address } = await ownOssServer();
    const oss = aliOss(address);
    await oss.put('a', Buffer.from('1'));
    expect(await codeOf(oss.deleteBucket('lake'))).toBe('BucketNotEmpty');
    expect(await codeOf(aliOss(address, { bucket: 'nowhere' }).put('a', Buffer.from('1')))).toBe(
      'NoSuchBucket',
    );
  });
});

describe('OSS: multipart uploads', () => {
  const big = 'a'.repeat(PART_BYTES);

  test('become one object, with gaps in the numbers and the checksum of the whole', async () => {
    const { address } = await ownOssServer();
    const upload = await Upload.begin(address, 'm');
    for (const [number, body] of [
      [7, 'tail'],
      [1, big],
      [3, `${big}b`],
    ] as const)
      await upload.put(number, body);
    expect(await upload.complete([1, 3, 7])).toBe('completed');
    const whole = `${big}${big}btail`;
    const response = await signedFetch(address, 'GET', '/lake/m');
    expect(await response.text()).toBe(whole);
    const crc = BigInt(`0x${crc64Of(Buffer.from(whole))}`).toString();
    expect(response.headers.get('x-oss-hash-crc64ecma')).toBe(crc);
    const range = { headers: { range: `bytes=${PART_BYTES - 1}-${PART_BYTES * 2 + 2}` } };
    expect(await (await signedFetch(address, 'GET', '/lake/m', range)).text()).toBe(`a${big}bta`);
  });

  test('end with their completion or abortion: NoSuchUpload says nothing of which', async () => {
    const { address } = await ownOssServer();
    const completed = await Upload.begin(address, 'm');
    await completed.put(1, 'x');
    expect(await completed.complete()).toBe('completed');
    expect(await completed.complete()).toBe('NoSuchUpload');
    const aborted = await Upload.begin(address, 'm');
    await aborted.put(1, 'y');
    await signedFetch(address, 'DELETE', `/lake/m?uploadId=${aborted.id}`);
    expect(await aborted.complete()).toBe('NoSuchUpload');
    expect((await aborted.put(2, 'z')).status).toBe(404);
    expect(await (await signedFetch(address, 'GET', '/lake/m')).text()).toBe('x');
  });

  test('want 100 KB of every part but the last one, in ascending order', async () => {
    const { address } = await ownOssServer();
    const upload = await Upload.begin(address, 'm');
    await upload.put(1, 'small');
    await upload.put(2, big);
    expect(await upload.complete([1, 2])).toBe('EntityTooSmall');
    expect(await upload.complete([2, 1])).toBe('InvalidPartOrder');
    expect(await upload.complete([2, 3])).toBe('InvalidPart');
    expect(await upload.complete([2])).toBe('completed');
  });

  test('a late part replaces the earlier one of its number: the completion fails on its ETag', async () => {
    const { address } = await ownOssServer();
    const upload = await Upload.begin(address, 'm');
    await upload.put(1, 'first');
    const etag = upload.etags.get(1) ?? '';
    await upload.put(1, 'late');
    upload.etags.set(1, etag);
    expect(await upload.complete([1])).toBe('InvalidPart');
  });

  test('a forbidden overwrite is refused at the completion, and the upload stays', async () => {
    const { address } = await ownOssServer();
    const upload = await Upload.begin(address, 'm');
    await upload.put(1, 'new');
    await signedFetch(address, 'PUT', '/lake/m', { body: 'old' });
    const forbid = { 'x-oss-forbid-overwrite': 'true' };
    expect(await upload.complete([1], forbid)).toBe('FileAlreadyExists');
    expect(await (await signedFetch(address, 'GET', '/lake/m')).text()).toBe('old');
    expect(await upload.complete([1])).toBe('completed');
  });

  test('and their parts are listed, page by page', async () => {
    const { address } = await ownOssServer();
    const uploads = [
      await Upload.begin(address, 'm'),
      await Upload.begin(address, 'm'),
      await Upload.begin(address, 'n'),
    ];
    for (const number of [1, 2, 5]) await uploads[0]!.put(number, 'x');
    const parts = parseXml(
      await (
        await signedFetch(address, 'GET', `/lake/m?uploadId=${uploads[0]!.id}&part-number-marker=1`)
      ).text(),
    ).children.filter(({ name }) => name === 'Part');
    expect(parts.map((part) => textOf(part, 'PartNumber'))).toEqual(['2', '5']);
    const seen: string[] = [];
    for (let query = '', more = true; more;) {
      const page = parseXml(
        await (await signedFetch(address, 'GET', `/lake/?uploads&max-uploads=1${query}`)).text(),
      );
      seen.push(
        ...page.children.filter(({ name }) => name === 'Upload').map((one) => textOf(one, 'UploadId') ?? ''),
      );
      const key = textOf(page, 'NextKeyMarker') ?? '';
      query = `&key-marker=${key}&upload-id-marker=${textOf(page, 'NextUploadIdMarker') ?? ''}`;
      more = textOf(page, 'IsTruncated') === 'true';
    }
    expect(seen.sort()).toEqual(uploads.map(({ id }) => id).sort());
  });
});
