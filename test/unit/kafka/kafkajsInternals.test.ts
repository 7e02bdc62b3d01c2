import { createRequire } from 'node:module';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import {
  brokerFactory,
  closeConnections,
  KAFKAJS_VERSION,
  missingMembers,
} from '../../../src/kafka/kafkajsInternals.ts';
import { kafkaConfig } from '../../../src/kafka/kafkaConfig.ts';
import { systemClock } from '../../../src/clock.ts';
import { DEFAULT_TUNING } from '../../../src/kafka/options.ts';

const load = createRequire(import.meta.url);
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

let server: Server | null = null;
afterEach(
  () => new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve()))),
);

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const listening = createServer(onSocket);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as { port: number }).port;
}

async function brokerAt(port: number) {
  const options = {
    brokers: [`127.0.0.1:${port}`],
    topics: [],
    groupId: 'g',
    clientId: 'c',
    stateDir: null,
    log,
    clock: systemClock,
  };
  return brokerFactory(kafkaConfig(options, DEFAULT_TUNING))({ host: '127.0.0.1', port, nodeId: null });
}

test('the seam into kafkajs is where it was: the pinned version, and every member that is used', () => {
  const { version } = load('kafkajs/package.json') as { version: string };
  expect(version).toBe(KAFKAJS_VERSION);
  expect(missingMembers()).toEqual([]);
});

test('package.json pins the version that the internals are used of', () => {
  const { dependencies } = load('../../../package.json') as { dependencies: Record<string, string> };
  expect(dependencies['kafkajs']).toBe(KAFKAJS_VERSION);
});

test('the request queue sets no timer with a negative delay', async () => {
  const warnings: string[] = [];
  const listener = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', listener);
  const RequestQueue = load('kafkajs/src/network/requestQueue') as new (options: unknown) => {
    push(request: unknown): void;
    fulfillRequest(answer: unknown): void;
    throttleCheckTimeoutId: unknown;
    destroy(): void;
  };
  const logger = { namespace: () => logger, debug: quiet, warn: quiet };
  const queue = new RequestQueue({ requestTimeout: 1_000, enforceRequestTimeout: false, logger });
  const answered = new Promise((resolve, reject) => {
    queue.push({ entry: { correlationId: 1, resolve, reject }, expectResponse: true, sendRequest: quiet });
  });
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  await answered;
  expect(queue.throttleCheckTimeoutId).toBeNull();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listener);
  expect(warnings).toEqual([]);
  queue.destroy();
});

test('two requests that find a connection closed open one socket', async () => {
  let sockets = 0;
  const port = await listen((socket) => {
    sockets += 1;
    socket.on('error', quiet).resume();
  });
  const broker = await brokerAt(port);
  const [connection] = broker.connectionPool.pool;
  await Promise.all([connection!.connect(), connection!.connect(), connection!.connect()]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(sockets).toBe(1);
  await closeConnections(broker.connectionPool, new Error('done'));
});

test('a response that was cut off is not taken for the start of the next one after a reconnect', async () => {
  const port = await listen((socket) => socket.on('error', quiet).resume());
  const broker = await brokerAt(port);
  const [connection] = broker.connectionPool.pool;
  await connection!.connect();
  connection!.chunks = [Buffer.from([0, 0, 1])];
  connection!.bytesBuffered = 3;
  connection!.bytesNeeded = 260;
  await connection!.disconnect();
  await connection!.connect();
  expect([connection!.chunks, connection!.bytesBuffered, connection!.bytesNeeded]).toEqual([[], 0, 4]);
  await closeConnections(broker.connectionPool, new Error('done'));
});

test('closing rejects requests in flight at once instead of waiting for their answers', async () => {
  const port = await listen((socket) => socket.on('error', quiet).resume());
  const broker = await brokerAt(port);
  const asked = broker.connect();
  const rejected = expect(asked).rejects.toThrow('closing');
  await broker.connectionPool.pool[0]!.connect();
  await new Promise((resolve) => setImmediate(resolve));
  await closeConnections(broker.connectionPool, new Error('closing'));
  await rejected;
});
