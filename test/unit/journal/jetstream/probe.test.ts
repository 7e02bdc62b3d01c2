import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  accountFinding,
  clockFinding,
  payloadFinding,
  roomOfStream,
} from '../../../../journal/jetstream/probe.ts';
import { syncFinding } from '../../../../journal/jetstream/syncInterval.ts';

const GIB = 1024 ** 3;

test('the limits of the account', () => {
  const of = (storage: number, bytesMax: number, streamsMax = -1) =>
    accountFinding({ storage, streams: 2, limits: { max_storage: bytesMax, max_streams: streamsMax } })
      .outcome;
  expect([of(0, -1), of(GIB, 10 * GIB), of(9 * GIB, 10 * GIB), of(GIB, GIB)]).toEqual([
    ...['pass', 'pass', 'warn', 'fail'],
  ]);
  expect([of(0, -1, 5), of(0, -1, 4)]).toEqual(['pass', 'warn']);
});

test('the room in the stream', () => {
  const of = (bytes: number, bytesMax: number, messagesMax = -1) =>
    roomOfStream({
      config: { max_bytes: bytesMax, max_msgs: messagesMax },
      state: { bytes, messages: 90 },
    } as never).outcome;
  expect([of(5, -1), of(50, 100), of(85, 100), of(100, 100), of(5, -1, 100)]).toEqual([
    ...['pass', 'pass', 'warn', 'fail', 'warn'],
  ]);
  expect(roomOfStream(null).outcome).toBe('pass');
});

test('the size of a message', () => {
  expect([1024 ** 2, 1024 ** 2 - 1, 1_000].map((bytes) => payloadFinding(bytes).outcome)).toEqual([
    ...['pass', 'warn', 'fail'],
  ]);
});

test('the clock of the server, by the time of its answer', () => {
  const nowMs = Date.UTC(2027, 0, 1);
  const of = (ts?: string) => clockFinding(ts === undefined ? null : { ts }, nowMs).outcome;
  expect([of(), of('2027-01-01T00:00:30Z'), of('2027-01-01T00:02:00Z')]).toEqual(['pass', 'pass', 'warn']);
});

describe('when the servers flush', () => {
  async function monitoring(varz: unknown): Promise<number> {
    const http = createServer((_request, response) => response.end(JSON.stringify(varz)));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void http.close());
    return (http.address() as AddressInfo).port;
  }

  test('is told by the monitoring port', async () => {
    const of = async (config: object) =>
      syncFinding(['nats://127.0.0.1:4222'], await monitoring({ jetstream: { config } }));
    expect(await of({ sync_always: true })).toMatchObject({ outcome: 'pass' });
    expect(await of({ sync_interval: 120e9 })).toMatchObject({
      outcome: 'warn',
      found: '127.0.0.1 flushes every 120 s',
    });
  });

  test('is not visible without it', async () => {
    expect(await syncFinding(['nats://127.0.0.1:4222'], 1)).toMatchObject({
      outcome: 'warn',
      found: 'when 127.0.0.1 flushes to its disk is not visible here',
      howToMend: expect.stringContaining('sync_interval: always') as string,
    });
  });
});
