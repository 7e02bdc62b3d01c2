import { describe, expect, test } from 'vitest';
import { ownOssServer } from './fixture.ts';
import { TEST_CREDENTIAL } from '../../../servers/oss/server.ts';
import { aliOss, codeOf, signedFetch } from './testClient.ts';

const body = Buffer.from('hello');

describe.each([{ v4: false }, { v4: true }])('signatures, version 4: $v4', ({ v4 }) => {
  test('the right keys are let in', async () => {
    const { address } = await ownOssServer();
    const client = aliOss(address, { v4 });
    await client.put('a b/ü+c', body);
    expect(((await client.get('a b/ü+c')).content as Buffer).toString()).toBe('hello');
  });

  test('a wrong secret and an unknown id are refused', async () => {
    const { address } = await ownOssServer();
    const wrong = { ...TEST_CREDENTIAL, accessKeySecret: 'wrong' };
    const unknown = { ...TEST_CREDENTIAL, accessKeyId: 'unknown' };
    expect(await codeOf(aliOss(address, { v4, credential: wrong }).put('a', body))).toBe(
      'SignatureDoesNotMatch',
    );
    expect(await codeOf(aliOss(address, { v4, credential: unknown }).put('a', body))).toBe(
      'InvalidAccessKeyId',
    );
  });

  test('credentials that are added while it runs are accepted until they end', async () => {
    const server = await ownOssServer();
    const credential = { accessKeyId: 'STS.1', accessKeySecret: 's', securityToken: 't' };
    const put = (): Promise<unknown> => aliOss(server.address, { v4, credential }).put('a', body);
    expect(await codeOf(put())).toBe('InvalidAccessKeyId');
    server.addCredential({ ...credential, expiresAtMs: Date.now() + 60_000 });
    await put();
    server.addCredential({ ...credential, expiresAtMs: Date.now() });
    expect(await codeOf(put())).toBe('SecurityTokenExpired');
  });

  test('temporary credentials need their token', async () => {
    const temporary = { ...TEST_CREDENTIAL, securityToken: 'token' };
    const { address } = await ownOssServer({ credentials: [temporary] });
    const stale = { ...TEST_CREDENTIAL, securityToken: 'stale' };
    await aliOss(address, { v4, credential: temporary }).put('a', body);
    expect(await codeOf(aliOss(address, { v4, credential: stale }).put('a', body))).toBe(
      'InvalidSecurityToken',
    );
    expect(await codeOf(aliOss(address, { v4 }).put('a', body))).toBe('InvalidSecurityToken');
  });

  test('a signed URL opens what it names, and nothing else', async () => {
    const { address } = await ownOssServer();
    const client = aliOss(address, { v4 });
    await client.put('a', body);
    const url = v4 ? await client.signatureUrlV4('GET', 60, undefined, 'a') : client.signatureUrl('a');
    expect(await (await fetch(url)).text()).toBe('hello');
    expect((await fetch(url.replace('/a?', '/b?'))).status).toBe(403);
  });
});

describe('requests without a valid signature', () => {
  test('are refused when they are anonymous', async () => {
    const { address } = await ownOssServer();
    expect((await fetch(`http://${address}/lake/a`)).status).toBe(403);
    expect((await fetch(`http://${address}/lake/?dfs`, { method: 'POST', body: '<request/>' })).status).toBe(
      403,
    );
  });

  test('are refused when something signed was changed', async () => {
    const { address } = await ownOssServer();
    expect((await signedFetch(address, 'PUT', '/lake/a', { body: 'x' })).status).toBe(200);
    const signed = await signedFetch(address, 'GET', '/lake/a');
    expect(signed.status).toBe(200);
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const old = await fetch(`http://${address}/lake/a`, {
      headers: { date, authorization: 'OSS test-id:AAAA' },
    });
    expect(old.status).toBe(403);
  });
});
