import { Readable } from 'node:stream';
import type { ListObjectResult } from 'ali-oss';
import { describe, expect, test } from 'vitest';
import { ownOssServer } from '../servers/oss/fixture.ts';
import { aliOss, codeOf } from '../servers/oss/testClient.ts';

const PART_BYTES = 100 * 1024;

describe.each([{ v4: false }, { v4: true }])(
  'ali-oss judges the OSS server, V4 signatures: $v4',
  ({ v4 }) => {
    test('buckets are made, described, listed and removed', async () => {
      const { address } = await ownOssServer();
      const oss = aliOss(address, { v4 });
      await oss.putBucket('other');
      const listed = (await oss.listBuckets({})) as unknown as { buckets: { name: string }[] };
      expect(listed.buckets.map(({ name }) => name)).toEqual(['lake', 'other']);
      expect((await oss.getBucketInfo('other')) as unknown).toMatchObject({
        bucket: { Name: 'other', Location: 'oss-cn-test' },
      });
      const { location } = (await oss.getBucketLocation('other')) as { location: string };
      expect(location).toBe('oss-cn-test');
      await oss.deleteBucket('other');
      expect(await codeOf(oss.getBucketInfo('other'))).toBe('NoSuchBucket');
    });

    test('objects are put, streamed, described, copied, listed and removed', async () => {
      const { address } = await ownOssServer();
      const oss = aliOss(address, { v4 });
      await oss.put('a/ü + x', Buffer.from('hello'));
      await oss.putStream('a/stream', Readable.from([Buffer.from('one '), Buffer.from('two')]));
      expect(((await oss.get('a/stream')).content as Buffer).toString()).toBe('one two');
      const { headers } = (await oss.head('a/ü + x')).res;
      expect(headers).toMatchObject({
        'content-length': '5',
        'x-oss-object-type': 'Normal',
        'x-oss-hash-crc64ecma': '11177612005948864433',
      });
      await oss.copy('copy', 'a/ü + x');
      const page: Partial<ListObjectResult> = await oss.list({ delimiter: '/', 'max-keys': 10 }, {});
      expect([page.objects?.map(({ name }) => name), page.prefixes]).toEqual([['copy'], ['a/']]);
      const { deleted } = await oss.deleteMulti(['copy', 'a/stream', 'nothing']);
      expect(deleted).toHaveLength(3);
      await oss.delete('a/ü + x');
      expect(await codeOf(oss.get('a/ü + x'))).toBe('NoSuchKey');
    });

    test('a multipart upload becomes one object', async () => {
      const { address } = await ownOssServer();
      const oss = aliOss(address, { v4 });
      const whole = Buffer.alloc(3 * PART_BYTES + 17, 'abc');
      const { etag } = (await oss.multipartUpload('big', whole, { partSize: PART_BYTES })) as {
        etag?: string;
      };
      expect(etag).toMatch(/^"[0-9A-F]{32}-4"$/);
      expect(((await oss.get('big')).content as Buffer).equals(whole)).toBe(true);
    });

    test('upload parts are put, listed, completed by their ETags, and an upload is aborted', async () => {
      const { address } = await ownOssServer();
      const oss = aliOss(address, { v4 });
      const { uploadId } = await oss.initMultipartUpload('m');
      const abandoned = await oss.initMultipartUpload('n');
      const whole = Buffer.alloc(PART_BYTES + 3, 'abc');
      const parts = [];
      for (const [number, start, end] of [
        [1, 0, PART_BYTES],
        [9, PART_BYTES, whole.length],
      ] as const) {
        const { etag } = (await oss.uploadPart('m', uploadId, number, whole, start, end)) as { etag: string };
        parts.push({ number, etag });
      }
      const listed = (await oss.listParts('m', uploadId)) as unknown as { parts: Record<string, string>[] };
      expect(listed.parts.map(({ PartNumber, ETag }) => [PartNumber, ETag])).toEqual(
        parts.map(({ number, etag }) => [String(number), etag]),
      );
      const { uploads } = (await oss.listUploads({})) as { uploads: { name: string; uploadId: string }[] };
      expect(uploads.map((one) => one.uploadId)).toEqual([uploadId, abandoned.uploadId]);
      await oss.completeMultipartUpload('m', uploadId, parts);
      expect(((await oss.get('m')).content as Buffer).equals(whole)).toBe(true);
      expect(await codeOf(oss.completeMultipartUpload('m', uploadId, parts))).toBe('NoSuchUpload');
      await oss.abortMultipartUpload('n', abandoned.uploadId);
      expect(await codeOf(oss.listParts('n', abandoned.uploadId))).toBe('NoSuchUpload');
    });
  },
);
