import { appendFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownFolder, ownOssServerProcess } from './fixture.ts';
import { OssServer } from '../../../servers/oss/server.ts';
import { DfsClient, signedFetch } from './testClient.ts';

const PATIENCE = { timeout: 15_000, interval: 20 };

/** Writes until the server is gone; what was acknowledged until then. */
async function writeUntilKilled(address: string, writer: string): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>();
  for (let index = 0; ; index += 1) {
    const [key, text] = [`${writer}-${String(index)}`, `${writer} ${'x'.repeat((index * 977) % 50_000)}`];
    try {
      const { ok } = await signedFetch(address, 'PUT', `/lake/${key}`, { body: text });
      if (ok) acknowledged.set(key, text);
    } catch {
      return acknowledged; // killed
    }
  }
}

async function flushUntilKilled(
  address: string,
): Promise<{ readonly path: string; readonly flushedBytes: number }> {
  const client = new DfsClient(address, 'writer');
  const file = await client.create('/dir/file');
  let flushedBytes = 0;
  try {
    for (;;) if ((await file.write('0123456789')) === null) flushedBytes += 10;
  } catch {
    return { path: file.path, flushedBytes }; // killed
  }
}

describe('the OSS server on its folder', () => {
  test('after kill -9 everything that was acknowledged is there, at the same address', async () => {
    const dir = await ownFolder();
    let server = await ownOssServerProcess(dir);
    const known = new Map<string, string>();
    let flushed = { path: '', flushedBytes: 0 };
    for (const round of [1, 2, 3]) {
      const writers = ['a', 'b'].map((writer) =>
        writeUntilKilled(server.address, `${writer}${String(round)}`),
      );
      const flushes = round === 1 ? flushUntilKilled(server.address) : null;
      await expect.poll(async () => (await server.calls()).length, PATIENCE).toBeGreaterThan(60);
      await server.kill();
      for (const written of await Promise.all(writers))
        for (const [key, text] of written) known.set(key, text);
      flushed = (await flushes) ?? flushed;
      server = await ownOssServerProcess(dir, '--port', server.port);
    }
    expect(known.size).toBeGreaterThan(30);
    for (const [key, text] of known) {
      expect(await (await signedFetch(server.address, 'GET', `/lake/${key}`)).text()).toBe(text);
    }
    const reader = new DfsClient(server.address, 'reader');
    expect(flushed.flushedBytes).toBeGreaterThan(0);
    expect(await reader.flag('isFileClosed', { path: encodeURIComponent(flushed.path) })).toBe(false);
    // The last flush may have taken effect without being acknowledged.
    expect([0, 10]).toContain((await reader.lengthOf(flushed.path)) - flushed.flushedBytes);
  });

  test('an upload that was begun before continues after', async () => {
    const dir = await ownFolder();
    const before = await OssServer.start({ dir, buckets: ['lake'] });
    const begun = await (await signedFetch(before.address, 'POST', '/lake/m?uploads')).text();
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(begun)?.[1] ?? '';
    const target = `/lake/m?uploadId=${uploadId}`;
    await signedFetch(before.address, 'PUT', `${target}&partNumber=1`, { body: 'x' });
    await before.stop();
    const after = await ownOssServerProcess(dir);
    const body = '<CompleteMultipartUpload></CompleteMultipartUpload>';
    const headers = { 'x-oss-complete-all': 'yes' };
    expect((await signedFetch(after.address, 'POST', target, { body, headers })).status).toBe(200);
    expect(await (await signedFetch(after.address, 'GET', '/lake/m')).text()).toBe('x');
  });

  test('a body that is cut off in the middle leaves nothing, and the object as it was', async () => {
    const dir = await ownFolder();
    const { address } = await ownOssServerProcess(dir);
    await signedFetch(address, 'PUT', '/lake/a', { body: 'old' });
    const cut = new AbortController();
    const data = path.join(dir, 'data');
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.alloc(3 << 20)) });
    const put = signedFetch(address, 'PUT', '/lake/a', { body, signal: cut.signal });
    await expect.poll(async () => (await readdir(data)).length, PATIENCE).toBe(2);
    cut.abort();
    await expect(put).rejects.toThrow();
    await expect.poll(async () => (await readdir(data)).length, PATIENCE).toBe(1);
    expect(await (await signedFetch(address, 'GET', '/lake/a')).text()).toBe('old');
  });

  test('a torn last line and a body without an owner were acknowledged to nobody, and are gone', async () => {
    const dir = await ownFolder();
    const before = await OssServer.start({ dir, buckets: ['lake'] });
    await signedFetch(before.address, 'PUT', '/lake/a', { body: 'kept' });
    await before.stop();
    await appendFile(path.join(dir, 'records.log'), '[{"table":"objects:lake","key":"b","val');
    await appendFile(path.join(dir, 'data', 'cut-off'), 'half a body');
    const after = await ownOssServerProcess(dir);
    expect(await (await signedFetch(after.address, 'GET', '/lake/a')).text()).toBe('kept');
    expect((await signedFetch(after.address, 'GET', '/lake/b')).status).toBe(404);
    expect(await readdir(path.join(dir, 'data'))).toHaveLength(1);
  });
});
