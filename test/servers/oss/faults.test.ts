import { describe, expect, test } from 'vitest';
import { DFS_ERROR } from '../../../servers/oss/dfs/errors.ts';
import { handClock, ownFolder, ownOssServer, ownOssServerProcess } from './fixture.ts';
import { DfsClient, signedFetch } from './testClient.ts';

async function textAt(address: string, key: string): Promise<string> {
  return (await signedFetch(address, 'GET', `/lake/${key}`)).text();
}

const path = { path: encodeURIComponent('/f') };

describe('faults of the OSS server', () => {
  test('hit the operation and path that they name, after those they skip, as often as they say', async () => {
    const { address, faults } = await ownOssServer();
    faults.arm({
      type: 'status',
      status: 503,
      code: 'ServiceUnavailable',
      operation: 'PutObject',
      path: '/a',
      skip: 1,
      times: 2,
    });
    const statuses = [];
    for (const key of ['a', 'b', 'a', 'b', 'a', 'a']) {
      statuses.push((await signedFetch(address, 'PUT', `/lake/${key}`, { body: key })).status);
    }
    expect(statuses).toEqual([200, 200, 503, 200, 503, 200]);
    expect(faults.left).toBe(0);
  });

  test('a connection that is cut before the effect leaves nothing, after the effect everything', async () => {
    const { address, faults } = await ownOssServer();
    await signedFetch(address, 'PUT', '/lake/a', { body: 'old' });
    faults.arm({ type: 'cutBefore', operation: 'PutObject' });
    await expect(signedFetch(address, 'PUT', '/lake/a', { body: 'new' })).rejects.toThrow();
    expect(await textAt(address, 'a')).toBe('old');
    faults.arm({ type: 'cutAfter', operation: 'PutObject' });
    await expect(signedFetch(address, 'PUT', '/lake/a', { body: 'new' })).rejects.toThrow();
    expect(await textAt(address, 'a')).toBe('new');
  });

  test('access is denied', async () => {
    const { address, faults } = await ownOssServer();
    faults.arm({ type: 'accessDenied', operation: 'PutObject' });
    expect((await signedFetch(address, 'PUT', '/lake/a', { body: 'x' })).status).toBe(403);
    expect((await signedFetch(address, 'GET', '/lake/a')).status).toBe(404);
  });

  test('a slow request has its effect after its pause, while others are answered', async () => {
    const pause = Promise.withResolvers<number>();
    const over = Promise.withResolvers<undefined>();
    const { address, faults } = await ownOssServer({
      pause: (ms) => {
        pause.resolve(ms);
        return over.promise;
      },
    });
    faults.arm({ type: 'slow', delayMs: 300, operation: 'PutObject' });
    const slow = signedFetch(address, 'PUT', '/lake/a', { body: 'x' });
    expect(await pause.promise).toBe(300);
    expect((await signedFetch(address, 'GET', '/lake/a')).status).toBe(404);
    over.resolve(undefined);
    expect((await slow).status).toBe(200);
    expect(await textAt(address, 'a')).toBe('x');
  });

  test('a truncation that answers false is done later: not closed before, then cut', async () => {
    const clock = handClock();
    const { address, faults } = await ownOssServer({ now: clock.now });
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    await file.write('abcdef');
    await file.complete();
    faults.arm({ type: 'answerFalse', operation: 'dfs.truncateFile', delayMs: 60_000 });
    expect(await client.flag('truncateFile', { ...path, size: 2 }, 'truncateResult')).toBe(false);
    expect(await client.flag('isFileClosed', path)).toBe(false);
    expect(await client.codeOf('appendFile', path)).toBe(DFS_ERROR.recoveryInProgress);
    clock.pass(60_000);
    expect(await client.flag('isFileClosed', path)).toBe(true);
    expect(await client.lengthOf('/f')).toBe(2);
  });

  test('a recovery that answers false shuts the old writer out at once, and is over later', async () => {
    const clock = handClock();
    const { address, faults } = await ownOssServer({ now: clock.now });
    const file = await new DfsClient(address, 'zombie').create('/f');
    await file.write('abc');
    const client = new DfsClient(address, 'one');
    faults.arm({ type: 'answerFalse', operation: 'dfs.recoveryLease', delayMs: 60_000 });
    expect(await client.flag('recoveryLease', path)).toBe(false);
    expect(await file.write('def')).toBe(DFS_ERROR.leaseExpired);
    expect(await client.flag('isFileClosed', path)).toBe(false);
    clock.pass(60_000);
    expect(await client.flag('isFileClosed', path)).toBe(true);
    expect(await client.lengthOf('/f')).toBe(3);
  });

  test('isFileClosed answers false for a while, and a lease is said to be expired', async () => {
    const { address, faults } = await ownOssServer();
    const client = new DfsClient(address, 'one');
    const file = await client.create('/f');
    faults.arm({ type: 'dfsError', errCode: DFS_ERROR.leaseExpired, operation: 'dfs.addBlock' });
    expect(await file.write('abc')).toBe(DFS_ERROR.leaseExpired);
    expect(await file.write('abc')).toBeNull();
    await file.complete();
    faults.arm({ type: 'answerFalse', operation: 'dfs.isFileClosed', times: 2 });
    const answers = [];
    for (let asked = 0; asked < 3; asked += 1) answers.push(await client.flag('isFileClosed', path));
    expect(answers).toEqual([false, false, true]);
  });

  test('are armed in another process, which tells what was asked of it', async () => {
    const server = await ownOssServerProcess(await ownFolder());
    await server.arm({ type: 'status', status: 500, operation: 'PutObject' });
    expect((await signedFetch(server.address, 'PUT', '/lake/a', { body: 'x' })).status).toBe(500);
    expect(await server.faultsLeft()).toBe(0);
    await server.arm({ type: 'status', status: 500 });
    await server.disarm();
    expect((await signedFetch(server.address, 'PUT', '/lake/a', { body: 'x' })).status).toBe(200);
    expect(await server.calls()).toEqual([
      { operation: 'PutObject', path: 'lake/a' },
      { operation: 'PutObject', path: 'lake/a' },
    ]);
    await new DfsClient(server.address, 'one').create('/f');
    await server.expireLease('one');
    expect(await new DfsClient(server.address, 'two').flag('isFileClosed', path)).toBe(true);
  });
});
