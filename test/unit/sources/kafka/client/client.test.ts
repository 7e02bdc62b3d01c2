import { createRequire } from 'node:module';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import {
  brokerFactory,
  closeConnections,
  KAFKAJS_VERSION,
  missingMembers,
  RecordReader,
  TIMESTAMP_TYPES,
} from '../../../../../src/sources/kafka/client/client.ts';
import { kafkaConfig } from '../../../../../src/sources/kafka/client/clientConfig.ts';
import { systemClock } from '../../../../../src/system/clock.ts';
import { DEFAULT_TUNING } from '../../../../../src/sources/kafka/options.ts';

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
  const { dependencies } = load('../../../../../package.json') as { dependencies: Record<string, string> };
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

test('a whole response is handed on as it came, not copied to join the empty rest before it', async () => {
  const port = await listen((socket) => socket.on('error', quiet).resume());
  const broker = await brokerAt(port);
  const connection = broker.connectionPool.pool[0] as unknown as {
    processData(bytes: Buffer): void;
    requestQueue: { fulfillRequest(answer: { correlationId: number; payload: Buffer }): void };
    chunks: Buffer[];
  };
  const answers: { correlationId: number; payload: Buffer }[] = [];
  connection.requestQueue.fulfillRequest = (answer) => void answers.push(answer);
  const frame = (correlationId: number, payload: string): Buffer => {
    const bytes = Buffer.alloc(8 + payload.length, payload);
    bytes.writeInt32BE(4 + payload.length, 0);
    bytes.writeInt32BE(correlationId, 4);
    bytes.write(payload, 8);
    return bytes;
  };
  const frames = [frame(1, 'first'), frame(2, 'second'), frame(3, 'third')];
  for (const bytes of frames) connection.processData(bytes);
  for (const [index, { correlationId, payload }] of answers.entries()) {
    expect([correlationId, payload.toString()]).toEqual([index + 1, ['first', 'second', 'third'][index]]);
    // The same memory: what is written to the frame shows in the payload.
    frames[index]!.write('X', 8);
    expect(payload.toString('utf8', 0, 1)).toBe('X');
  }
  expect(answers).toHaveLength(3);
  // In pieces they still come together.
  const cut = frame(4, 'in pieces');
  for (const piece of [cut.subarray(0, 3), cut.subarray(3, 10), cut.subarray(10)])
    connection.processData(piece);
  expect(answers.at(-1)?.payload.toString()).toBe('in pieces');
  await closeConnections(broker.connectionPool, new Error('done'));
});

test("kafkajs's decoder of records reads what header and bytes say, and notices another end", () => {
  const context = {
    ...{ firstOffset: '40', firstTimestamp: '1000', maxTimestamp: '9000' },
    timestampType: TIMESTAMP_TYPES.createTime,
  };
  // Length, attributes, timestamp delta 5, offset delta 2, key "k", value null, no header.
  const record = Buffer.from([14, 0, 10, 4, 2, 0x6b, 1, 0]);
  const reader = new RecordReader(record, context);
  expect(reader.next()).toMatchObject({
    offset: '42',
    timestamp: '1005',
    key: Buffer.from('k'),
    value: null,
  });
  expect(reader.leftBytes).toBe(0);
  const stamped = new RecordReader(record, { ...context, timestampType: TIMESTAMP_TYPES.logAppendTime });
  expect(stamped.next()?.timestamp).toBe('9000');
  const longer = Buffer.concat([Buffer.from([16]), record.subarray(1), Buffer.alloc(1)]);
  expect(new RecordReader(longer, context).next()).toBeNull();
  expect(new RecordReader(record.subarray(0, -1), context).next()).toBeNull();
  const endsEarly = Buffer.concat([Buffer.from([16]), record.subarray(1)]);
  expect(new RecordReader(endsEarly, context).next()).toBeNull();
});
