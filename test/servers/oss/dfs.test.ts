import { describe, expect, test } from 'vitest';
import { DFS_ERROR } from '../../../servers/oss/dfs/errors.ts';
import { handClock, ownOssServer } from './fixture.ts';
import { aliOss, codeOf, DfsClient, signedFetch } from './testClient.ts';
import { childOf, textOf } from '../../../servers/oss/xml.ts';

const path = (text: string): { readonly path: string } => ({ path: encodeURIComponent(text) });
const twoPaths = (source: string, destination: string) => ({
  source: encodeURIComponent(source),
  destination: encodeURIComponent(destination),
});

describe('OSS-HDFS: leases', () => {
  test("a file that is being written is nobody else's: append, truncate and create are refused", async () => {
    const { address } = await ownOssServer();
    const file = await new DfsClient(address, 'one').create('/d/f');
    await file.write('abcdef');
    const other = new DfsClient(address, 'two');
    expect(await other.codeOf('appendFile', path('/d/f'))).toBe(DFS_ERROR.alreadyBeingCreated);
    expect(await other.codeOf('truncateFile', { ...path('/d/f'), size: 3 })).toBe(
      DFS_ERROR.alreadyBeingCreated,
    );
    expect(await other.codeOf('createFile', { ...path('/d/f'), flag: 1 })).toBe(
      DFS_ERROR.alreadyBeingCreated,
    );
    expect(await other.codeOf('addBlock', file.parameters)).toBe(DFS_ERROR.leaseExpired);
    expect(await other.flag('isFileClosed', path('/d/f'))).toBe(false);
  });

  test("after a recovery the old writer is refused, by the file's id, under any name", async () => {
    const { address } = await ownOssServer();
    const zombie = await new DfsClient(address, 'zombie').create('/f');
    await zombie.write('durable');
    const taker = new DfsClient(address, 'taker');
    expect(await taker.flag('recoveryLease', path('/f'))).toBe(true);
    expect(await taker.flag('isFileClosed', path('/f'))).toBe(true);
    await taker.flag('rename', twoPaths('/f', '/g'));
    expect(await zombie.write('more')).toBe(DFS_ERROR.leaseExpired);
    expect(await taker.lengthOf('/g')).toBe(7);
  });

  test("a rename alone fences nothing: the writer continues by the file's id", async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    await file.write('abc');
    await client.flag('rename', twoPaths('/f', '/g'));
    expect(await file.write('def')).toBeNull();
    expect(await file.complete()).toBeNull();
    expect(await client.lengthOf('/g')).toBe(6);
  });

  test('after the soft limit another writer inherits; after the hard one the server closes it', async () => {
    const clock = handClock();
    const { address } = await ownOssServer({ now: clock.now });
    const first = await new DfsClient(address, 'silent').create('/f');
    await first.write('abc');
    clock.pass(2 * 60_000);
    const other = new DfsClient(address, 'other');
    expect(await other.flag('isFileClosed', path('/f'))).toBe(false);
    expect(await other.codeOf('appendFile', path('/f'))).toBeNull();
    expect(await first.write('def')).toBe(DFS_ERROR.leaseExpired);
    clock.pass(10 * 60_000);
    await other.ask('renewLease', {});
    clock.pass(59 * 60_000);
    expect(await other.flag('isFileClosed', path('/f'))).toBe(false);
    clock.pass(2 * 60_000);
    expect(await other.flag('isFileClosed', path('/f'))).toBe(true);
  });

  test('completing twice is the same as once; completing what another one took over is refused', async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    await file.write('abc');
    expect(await file.complete()).toBeNull();
    expect(await file.complete()).toBeNull();
    await new DfsClient(address, 'two').ask('appendFile', path('/f'));
    expect(await file.complete()).toBe(DFS_ERROR.leaseExpired);
  });

  test('a block is asked for twice and given once; after a recovery it is given to nobody', async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    await file.write('abc');
    const ask = async (): Promise<string | undefined> => {
      const { response } = await client.ask('addBlock', { ...file.parameters, previous: file.lastBlock });
      return textOf(childOf(response, 'extendedBlock'), 'blockId');
    };
    const first = await ask();
    expect(await ask()).toBe(first);
    await client.flag('recoveryLease', path('/f'));
    await client.ask('appendFile', path('/f'));
    expect(await ask()).not.toBe(first);
    expect(await client.lengthOf('/f')).toBe(3);
  });

  test.each([
    { recoveredLength: 'flushed', length: 3 },
    { recoveredLength: 'uploaded', length: 6 },
  ] as const)('a recovery finds what was $recoveredLength', async ({ recoveredLength, length }) => {
    const { address } = await ownOssServer({ guesses: { recoveredLength } });
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    await file.write('abc');
    await file.put('abcdef');
    await client.flag('recoveryLease', path('/f'));
    expect(await client.lengthOf('/f')).toBe(length);
  });
});

describe('OSS-HDFS: the tree', () => {
  test('a truncated file is short, and continues in a block of its own', async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    await file.write('abcdef');
    await file.write('ghi');
    await file.complete();
    expect(await client.codeOf('truncateFile', { ...path('/f'), size: 10 })).toBe(DFS_ERROR.invalidArgument);
    expect(await client.flag('truncateFile', { ...path('/f'), size: 4 }, 'truncateResult')).toBe(true);
    expect(await client.lengthOf('/f')).toBe(4);
  });

  test('a file that is there is not created again, but overwritten with the flag', async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const first = await client.create('/f');
    await first.write('abc');
    await first.complete();
    expect(await client.codeOf('createFile', { ...path('/f'), flag: 1 })).toBe(DFS_ERROR.fileAlreadyExists);
    const second = await client.create('/f', 3);
    expect(await second.complete()).toBeNull();
    expect(await client.lengthOf('/f')).toBe(0);
    expect(await first.write('def')).toBe(DFS_ERROR.fileNotFound);
  });

  test('a folder is listed page by page, renamed as a whole and removed only when asked to', async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    for (const name of ['a', 'b', 'c/deep']) await (await client.create(`/d/${name}`)).complete();
    const pages = [];
    for (let marker = '', more = true; more;) {
      const { response } = await client.ask('getListing', { ...path('/d'), maxkeys: 2, marker });
      pages.push(childOf(response, 'fileStatuses')?.children.length);
      marker = textOf(response, 'nextMarker') ?? '';
      more = textOf(response, 'isTruncated') === 'true';
    }
    expect(pages).toEqual([2, 1]);
    await client.flag('rename', twoPaths('/d', '/e'));
    expect(await client.codeOf('getFileInfo', path('/d/c/deep'))).toBe(DFS_ERROR.fileNotFound);
    expect(await client.codeOf('getFileInfo', path('/e/c/deep'))).toBeNull();
    expect(await client.codeOf('remove', { ...path('/e'), recursive: false })).toBe(
      DFS_ERROR.notEmptyDirectory,
    );
    expect(await client.flag('remove', { ...path('/e'), recursive: true })).toBe(true);
    expect(await client.codeOf('getFileInfo', path('/e/c/deep'))).toBe(DFS_ERROR.fileNotFound);
  });

  test.each([
    { renameOntoFile: 'replaces', code: null, length: 2 },
    { renameOntoFile: 'refuses', code: DFS_ERROR.fileAlreadyExists, length: 1 },
  ] as const)('a rename onto a file $renameOntoFile', async ({ renameOntoFile, code, length }) => {
    const { address } = await ownOssServer({ guesses: { renameOntoFile } });
    const client = new DfsClient(address, 'one');
    for (const [name, text] of [
      ['/f', '1'],
      ['/g', '22'],
    ] as const) {
      const file = await client.create(name);
      await file.write(text);
      await file.complete();
    }
    expect(await client.codeOf('rename', twoPaths('/g', '/f'))).toBe(code);
    expect(await client.lengthOf('/f')).toBe(length);
  });
});

describe('the two namespaces of a bucket', () => {
  test('know nothing of each other', async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const oss = aliOss(address);
    const file = await client.create('/f');
    await file.write('abc');
    await file.complete();
    await oss.put('object', Buffer.from('x'));
    expect(await codeOf(oss.get('f'))).toBe('NoSuchKey');
    expect(await client.codeOf('getFileInfo', path('/object'))).toBe(DFS_ERROR.fileNotFound);
    expect(await client.codeOf('getFileInfo', path('/.dlsdata'))).toBe(DFS_ERROR.fileNotFound);
    const { response } = await client.ask('getListing', path('/'));
    const statuses = childOf(response, 'fileStatuses')?.children ?? [];
    expect(statuses.map((status) => textOf(status, 'path'))).toEqual(['f']);
    const { objects } = await oss.list({ prefix: '.dlsdata/', 'max-keys': 10 }, {});
    expect(objects.map(({ size }) => size)).toEqual([3]);
  });

  test('a removed file leaves no data behind', async () => {
    const { address } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    await file.write('abc');
    await file.complete();
    await client.flag('remove', path('/f'));
    expect(await (await signedFetch(address, 'GET', '/lake/?prefix=.dlsdata')).text()).not.toContain('<Key>');
  });
});
