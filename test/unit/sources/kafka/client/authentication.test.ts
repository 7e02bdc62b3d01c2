/** How a connection authenticates, at a broker that a test plays. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../../../kernels/schema/secret.ts';
import {
  brokerFactory,
  closeConnections,
  reauthenticationAheadMs,
} from '../../../../../src/sources/kafka/client/client.ts';
import { kafkaConfig } from '../../../../../src/sources/kafka/client/clientConfig.ts';
import { refusalOf } from '../../../../../src/sources/kafka/client/errors.ts';
import { bearerMessage, oauthBearer } from '../../../../../src/sources/kafka/client/oauthBearer.ts';
import { DEFAULT_TUNING, type KafkaSourceOptions } from '../../../../../src/sources/kafka/options.ts';
import { systemClock } from '../../../../../src/system/clock.ts';

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const API = { saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 };

let server: Server | null = null;
afterEach(() => void server?.close());

const int = (bytes: 2 | 4 | 8, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, bytes === 8 ? 2 : 0, bytes === 8 ? 6 : bytes);
  return buffer;
};
const text = (value: string): Buffer => Buffer.concat([int(2, value.length), Buffer.from(value)]);

function versions(): Buffer {
  const each = Object.values(API).map((key) => Buffer.concat([int(2, key), int(2, 0), int(2, 1)]));
  return Buffer.concat([int(2, 0), int(4, each.length), ...each, int(4, 0)]);
}

/** Answers what comes before SaslAuthenticate; that is answered by the test, or the connection is closed. */
async function authenticated(
  sasl: NonNullable<KafkaSourceOptions['sasl']>,
  answer: (sent: string) => Buffer | null,
): Promise<unknown> {
  const mechanism = sasl.mechanism.toUpperCase();
  const serve = (socket: Socket): void => {
    socket.on('error', quiet).on('data', (bytes: Buffer) => {
      const key = bytes.readInt16BE(4);
      const client = bytes.readInt16BE(12);
      const body =
        key === API.apiVersions
          ? versions()
          : key === API.saslHandshake
            ? Buffer.concat([int(2, 0), int(4, 1), text(mechanism)])
            : answer(bytes.subarray(14 + client + 4).toString());
      if (body === null) socket.destroy();
      else socket.write(Buffer.concat([int(4, body.length + 4), bytes.subarray(8, 12), body]));
    });
  };
  const listening = createServer(serve);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as { port: number };
  const common = { brokers: [`127.0.0.1:${port}`], topics: [], groupId: 'g', clientId: 'c', stateDir: null };
  const config = kafkaConfig({ ...common, sasl, log, clock: systemClock }, DEFAULT_TUNING);
  const broker = await brokerFactory(config)({ host: '127.0.0.1', port, nodeId: null });
  const outcome = await broker.connect().then(
    () => ({ isConnected: broker.isConnected() }),
    (error: unknown) => ({ error, isConnected: broker.connectionPool.pool[0]?.isConnected() }),
  );
  await closeConnections(broker.connectionPool, new Error('the test is over'));
  return outcome;
}

const PLAIN = { mechanism: 'plain', username: 'u', password: 'p' } as const;
/** No error, no message, these bytes, this session. */
const granted = (bytes = ''): Buffer =>
  Buffer.concat([int(2, 0), int(2, -1), int(4, bytes.length), Buffer.from(bytes), int(8, 5_000)]);
const failed = (message: string): Buffer => Buffer.concat([int(2, 58), text(message), int(4, 0), int(8, 0)]);

describe('a broker', () => {
  test('that goes away meanwhile refuses nobody', async () => {
    const { error, isConnected } = (await authenticated(PLAIN, () => null)) as {
      error: Error;
      isConnected: boolean;
    };
    expect(refusalOf(error)).toBeNull();
    expect(error.message).not.toMatch(/authentication failed/);
    expect(isConnected).toBe(false);
  });

  test('that refuses the secret does', async () => {
    const outcome = (await authenticated(PLAIN, () => failed('Invalid credentials'))) as { error: Error };
    expect(refusalOf(outcome.error)).toBe('secret');
    expect(outcome.error.message).toContain('Invalid credentials');
  });
});

describe('OAUTHBEARER', () => {
  const bearer = (token: () => Promise<Secret>) =>
    oauthBearer({ token, extensions: { logicalCluster: 'lkc' } });
  const given = async () => new Secret('abc');

  test('sends the token and the extensions', async () => {
    const sent: string[] = [];
    const outcome = await authenticated(bearer(given), (message) => {
      sent.push(message);
      return granted();
    });
    expect(outcome).toEqual({ isConnected: true });
    expect(sent).toEqual(['n,,\u0001auth=Bearer abc\u0001logicalCluster=lkc\u0001\u0001']);
    expect(bearerMessage('abc', {})).toBe('n,,\u0001auth=Bearer abc\u0001\u0001');
  });

  test.each([
    ['answers with its error', (): Buffer => failed('{"status":"invalid_token"}')],
    ['does not', (): Buffer => granted()],
  ])('a refusal is acknowledged, and is one, also where the broker then %s', async (_what, then) => {
    const sent: string[] = [];
    const outcome = (await authenticated(bearer(given), (message) => {
      sent.push(message);
      return sent.length === 1 ? granted('{"status":"invalid_token"}') : then();
    })) as { error: Error };
    expect(sent.at(-1)).toBe('\u0001');
    expect(refusalOf(outcome.error)).toBe('secret');
    expect(outcome.error.message).toContain('invalid_token');
  });

  test('a connection that got no token is closed: it could not begin anew', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('no token now'));
    const outcome = await authenticated(bearer(away), () => granted());
    expect(outcome).toMatchObject({ error: { message: 'no token now' }, isConnected: false });
    expect(refusalOf((outcome as { error: Error }).error)).toBeNull();
  });
});

test.each([
  [0, 0],
  [5_000, 1_000],
  [600_000, 60_000],
])('a session of %i ms is renewed %i ms before its end', (sessionMs, aheadMs) => {
  expect(reauthenticationAheadMs(sessionMs)).toBe(aheadMs);
});
