import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../../../kernels/schema/secret.ts';
import { isAuthenticationFailure } from '../../../../../src/sources/kafka/client/errors.ts';
import { askForToken } from '../../../../../src/sources/kafka/token/endpoint.ts';

const SECRET = 'pässword:/+';
const NOW_MS = 1_000_000;

let server: Server | null = null;
afterEach(() => void server?.close());

/** Asks an endpoint that answers so. */
async function answered(status: number, body: unknown) {
  const seen: { headers: IncomingMessage['headers']; body: string }[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      seen.push({ headers: request.headers, body: text });
      response.writeHead(status, { location: '/elsewhere' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const endpoint = {
    url,
    clientId: 'a client',
    clientSecret: new Secret(SECRET),
    scope: 'a b',
    caFile: null,
  };
  const outcome = await askForToken(endpoint, NOW_MS).catch((error: unknown) => error as Error);
  return { seen, outcome };
}

const jwt = (claims: object): string =>
  ['{}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');

test('the client shows itself as OAuth has it', async () => {
  const { seen, outcome } = await answered(200, { access_token: 'abc', expires_in: 60 });
  expect(outcome).toMatchObject({ lifeMs: 60_000 });
  const [{ headers, body } = { headers: {}, body: '' }] = seen;
  const shown = Buffer.from(headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
  expect(shown).toBe(`a%20client:${encodeURIComponent(SECRET)}`);
  expect(body).toBe('grant_type=client_credentials&scope=a+b');
});

test('how long a token lives is said by the endpoint, else by the token', async () => {
  const token = jwt({ exp: NOW_MS / 1_000 + 30 });
  const lifeOf = async (more: object) => (await answered(200, { access_token: token, ...more })).outcome;
  expect(await lifeOf({ expires_in: '10' })).toMatchObject({ lifeMs: 10_000 });
  expect(await lifeOf({})).toMatchObject({ lifeMs: 30_000 });
});

describe('answers without a token', () => {
  test.each([
    [400, { error: 'invalid_scope' }, /status 400 \(invalid_scope\)\. Correct tokenUrl, clientId/],
    [
      401,
      { error: 'invalid_client', error_description: `not ${SECRET}` },
      /\(invalid_client: not \[secret\]\)/,
    ],
    [404, 'nothing here', /status 404\. Correct tokenUrl/],
    [302, '', /status 302/],
    [200, 'hello', /without an access_token/],
    [200, { access_token: 'a b' }, /without an access_token/],
  ])('%i %j is a refusal', async (status, body, message) => {
    const { outcome } = await answered(status, body);
    expect(outcome).toMatchObject({ code: 'SOURCE_AUTHENTICATION' });
    expect(isAuthenticationFailure(outcome)).toBe(true);
    expect((outcome as Error).message).toMatch(message);
    expect((outcome as Error).message).not.toContain(SECRET);
  });

  test.each([
    [503, 'down', /status 503/],
    [429, {}, /status 429/],
    [200, { access_token: 'abc' }, /does not say how long/],
    [200, { access_token: 'abc', expires_in: 0 }, /has ended/],
    [200, 'x'.repeat(300_000), /longer than 262144 bytes/],
  ])('%i %.20j may be over in a moment', async (status, body, message) => {
    const { outcome } = await answered(status, body);
    expect(isAuthenticationFailure(outcome)).toBe(false);
    expect((outcome as Error).message).toMatch(message);
  });
});
