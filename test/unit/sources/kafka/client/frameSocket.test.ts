import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { FrameReader, frameSocketFactory } from '../../../../../src/sources/kafka/client/frameSocket.ts';

function frameOf(length: number, fill: number): Buffer {
  const frame = Buffer.alloc(4 + length, fill);
  frame.writeInt32BE(length, 0);
  return frame;
}

/** Hands bytes to the reader as reads of at most these sizes. */
function feed(reader: FrameReader, bytes: Buffer, reads: readonly number[]): void {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const wanted = reads[turn % reads.length] ?? 1;
    const read = bytes.copy(reader.space(), 0, at, Math.min(bytes.length, at + wanted));
    at += read;
    reader.filled(read);
  }
}

describe('frames', () => {
  it('come out whole and in order, however they are cut', () => {
    const lengths = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 300_000 })),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    const reads = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1_000, max: 100_000 })),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(lengths, reads, (drawn, sizes) => {
        const frames = drawn.map((length, index) => frameOf(length, index + 1));
        const found: Buffer[] = [];
        const reader = new FrameReader((frame) => found.push(frame));
        feed(reader, Buffer.concat(frames), [...sizes, 50_000]);
        expect(found.length).toBe(frames.length);
        found.forEach((frame, index) => expect(frame.equals(frames[index]!)).toBe(true));
      }),
      { numRuns: 60 },
    );
  });

  it('that no broker sends are refused', () => {
    const reader = new FrameReader(() => undefined);
    expect(() => feed(reader, Buffer.from('HTTP/1.1 400 Bad Request'), [64])).toThrow(
      'is this a Kafka broker?',
    );
    const other = new FrameReader(() => undefined);
    expect(() => feed(other, Buffer.from([0xff, 0xff, 0xff, 0xff]), [64])).toThrow('is this a Kafka broker?');
  });
});

describe('the socket', () => {
  let server: Server | null = null;
  afterEach(() => void server?.close());

  async function connected(serve: (socket: Socket) => void): Promise<Socket> {
    server = createServer(serve);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const noTls = undefined as never;
    const factory = frameSocketFactory(undefined);
    return factory({ host: '127.0.0.1', port, ssl: noTls, onConnect: () => undefined });
  }

  it('gives whole answers as data, and ends as sockets do', async () => {
    const frames = [frameOf(10, 1), frameOf(2_000_000, 2), frameOf(0, 3), frameOf(70_000, 4)];
    const socket = await connected((peer) => peer.end(Buffer.concat(frames)));
    const found: Buffer[] = [];
    socket.on('data', (frame) => found.push(frame));
    await once(socket, 'end');
    expect(found.map(({ length }) => length)).toEqual(frames.map(({ length }) => length));
    expect(Buffer.concat(found).equals(Buffer.concat(frames))).toBe(true);
    socket.destroy();
  });

  it('fails where what answers is no broker', async () => {
    const socket = await connected((peer) =>
      peer.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    socket.on('data', () => undefined);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('is this a Kafka broker?');
  });
});

it.each([
  ['an alert', 0x15],
  ['a handshake', 0x16],
])('%s of TLS is no frame of 352 MB: the broker wants TLS, and the error says so', (_what, type) => {
  const reader = new FrameReader(() => undefined);
  Buffer.from([type, 3, 3, 0, 2, 2, 70]).copy(reader.space());
  expect(() => reader.filled(7)).toThrow('the broker speaks TLS: set source.kafka.ssl');
});
