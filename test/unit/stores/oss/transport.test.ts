/** What becomes of connections. */
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Secret } from '../../../../kernels/schema/secret.ts';
import { OssClient } from '../../../../src/stores/oss/client.ts';
import { Transport } from '../../../../src/stores/oss/transport.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A service and its connections. */
async function serve(answer: http.RequestListener) {
  const server = http.createServer(answer);
  const connections: Socket[] = [];
  server.on('connection', (connection) => connections.push(connection));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { connections, address: { host: '127.0.0.1', port, https: false, pathStyle: true } };
}

function newTransport(address: ConstructorParameters<typeof Transport>[0]): Transport {
  const transport = new Transport(address, 'lake');
  closing.push(() => transport.close());
  return transport;
}

const REQUEST = { key: 'a', query: {}, headers: {}, body: [], answerMs: 20_000 } as const;

test('a connection is used again after any method', async () => {
  const { address, connections } = await serve((request, response) => {
    response.setHeader('content-length', '5');
    response.end(request.method === 'HEAD' ? undefined : 'hello');
  });
  const transport = newTransport(address);
  for (const method of ['HEAD', 'GET', 'HEAD', 'HEAD', 'DELETE'] as const) {
    expect((await transport.send(() => ({ ...REQUEST, method }))).status).toBe(200);
    // The connection is given back once the answer has ended.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(connections).toHaveLength(1);
});

test('a body whose request was refused early is not sent to its end', async () => {
  const body = Buffer.alloc(32 * 1024 * 1024);
  const accepted = Promise.withResolvers<Socket>();
  // It reads nothing of the body until it is told to.
  const server = net.createServer((connection) => {
    connection.once('data', () => {
      connection.pause();
      connection.write('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n');
      accepted.resolve(connection);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const transport = newTransport({ host: '127.0.0.1', port, https: false, pathStyle: true });
  const request = { ...REQUEST, method: 'PUT', body: [body] } as const;
  expect((await transport.send(() => request)).status).toBe(503);
  const connection = await accepted.promise;
  let receivedBytes = 0;
  const over = Promise.withResolvers<undefined>();
  connection.on('data', (data) => {
    receivedBytes += data.length;
    if (receivedBytes > body.length / 2) over.resolve(undefined);
  });
  connection.on('error', () => over.resolve(undefined));
  connection.on('close', () => over.resolve(undefined));
  connection.resume();
  await over.promise;
  connection.destroy();
  expect(receivedBytes).toBeLessThan(body.length / 2);
});

test('a request is signed when its turn comes, however long it waits', async () => {
  const dates: (string | undefined)[] = [];
  const held: http.ServerResponse[] = [];
  const all = Promise.withResolvers<undefined>();
  const { address } = await serve((request, response) => {
    dates.push(request.headers['x-oss-date'] as string | undefined);
    held.push(response);
    if (held.length === 32) all.resolve(undefined);
    if (held.length > 32) response.end();
  });
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const secret = new Secret('s');
  const client = new OssClient({
    ...{ ossBucket: 'lake', region: 'cn-test', address, wallMs: () => nowMs },
    keys: () => Promise.resolve({ accessKeyId: secret, accessKeySecret: secret, securityToken: null }),
    pacer: { nowMs: () => 0, pause: () => Promise.resolve() },
  });
  closing.push(() => client.close());
  const calls = Array.from({ length: 33 }, () => client.call({ method: 'GET', key: 'a' }, 'identical'));
  await all.promise;
  nowMs = Date.parse('2026-01-01T00:20:00Z');
  for (const response of held.slice()) response.end();
  await Promise.all(calls);
  expect(dates.at(-1)).toBe('20260101T002000Z');
});
