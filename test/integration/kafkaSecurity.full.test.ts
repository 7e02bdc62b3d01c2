/** Sessions that end, tokens that cannot be had, and every other refusal of a real broker. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Secret } from '../../kernels/schema/secret.ts';
import { oauthBearer } from '../../src/sources/kafka/client/oauthBearer.ts';
import type { KafkaSourceOptions } from '../../src/sources/kafka/options.ts';
import { askForToken } from '../../src/sources/kafka/token/endpoint.ts';
import { makeCertificate } from '../services/certificates.ts';
import { SESSION_MS, USER, type SecuredKafka } from '../services/securedKafka.ts';
import { TOKEN_CLIENT } from '../services/tokenServer.ts';
import { Assignments, readTo, sourceOf, values } from './kafkaFixture.ts';
import {
  bearerOf,
  describeSecured,
  expectNoSecret,
  jobAt,
  refusedService,
  RIGHT,
  sendTo,
  topicOf,
  userOf,
  type Way,
} from './securedJob.ts';
import { expectCode, scratchFolder } from './testJob.ts';

type Sasl = NonNullable<KafkaSourceOptions['sasl']>;
const password = { username: USER.name, password: USER.password };
const SESSIONS: readonly (readonly [at: 'USERS' | 'TOKENS', sasl: (kafka: SecuredKafka) => Sasl])[] = [
  ['USERS', () => ({ mechanism: 'plain', ...password })],
  ['USERS', () => ({ mechanism: 'scram-sha-512', ...password })],
  ['TOKENS', (kafka) => oauthBearer({ token: () => anyToken(kafka), extensions: {} })],
];

async function anyToken({ endpoint: { cert }, tokens }: SecuredKafka): Promise<Secret> {
  const { id, secret } = TOKEN_CLIENT;
  const clientSecret = new Secret(secret);
  const endpoint = { clientId: id, clientSecret, scope: null, caFile: cert };
  return (await askForToken({ url: tokens.url, ...endpoint }, Date.now())).token;
}

describeSecured(120_000, (secured) => {
  test.each(SESSIONS)('%s: sessions that end are renewed over the same connections', async (at, sasl) => {
    const topic = await topicOf(secured(), ['0']);
    let connections = 0;
    const ssl = () => {
      connections += 1;
      return { ca: readFileSync(secured().server.cert) };
    };
    const { source, lines } = sourceOf(secured().brokers(at), [topic], { ssl, sasl: sasl(secured()) });
    const assignments = new Assignments();
    await source.start(assignments);
    const feed = source.open({ topic, partition: 0 }, 0n, null);
    await readTo(feed, 1n);
    await source.commitOffset({ topic, partition: 0 }, 1n, 'first');
    // A broker that has just started may have let the group wait.
    const [before, toldBefore] = [connections, lines.length];
    for (let sent = 1; sent * 1_000 < 3 * SESSION_MS; sent += 1) {
      await delay(1_000);
      await sendTo(secured().kafka.brokers, topic, [String(sent)]);
      const read = await readTo(feed, BigInt(sent) + 1n, BigInt(sent));
      expect(values(read)).toEqual([String(sent)]);
      await source.commitOffset({ topic, partition: 0 }, BigInt(sent) + 1n, 'later');
    }
    expect(connections).toBe(before);
    expect(assignments.failures).toEqual([]);
    expect(assignments.seen).toHaveLength(1);
    const told = lines.slice(toldBefore).filter(({ level }) => level !== 'debug');
    expect(told.map(({ message }) => message)).toEqual([]);
  });

  test('a token endpoint that is away for a while: the service goes on', async () => {
    const topic = await topicOf(secured(), ['a']);
    const { tokens } = secured();
    tokens.lifeSeconds = 10;
    const service = jobAt(secured(), topic, RIGHT.OAUTHBEARER(secured())).start();
    try {
      await service.counted(`${topic}/0`, 1);
      const asked = tokens.asked.length;
      tokens.failure = { status: 503, body: 'down' };
      await service.saw('no token', ({ msg }) => msg.includes('answers with status 503'));
      // The token has ended, and with it all sessions.
      await service.said('membership in group');
      expect(tokens.asked.length).toBeGreaterThan(asked);
      tokens.failure = null;
      await sendTo(secured().kafka.brokers, topic, ['b']);
      await service.counted(`${topic}/0`, 2);
    } finally {
      tokens.failure = null;
      tokens.lifeSeconds = 3_600;
      service.kill('SIGTERM');
    }
    const end = await service.ended;
    expectCode(end, 0);
    expectNoSecret(end);
  });

  test('a token that the broker does not take', async () => {
    secured().tokens.audience = 'others';
    try {
      const job = jobAt(secured(), 'any', RIGHT.OAUTHBEARER(secured()));
      await refusedService(job, /SOURCE_AUTHENTICATION: Kafka at .* refuses this client: .*invalid_token/);
    } finally {
      secured().tokens.audience = 'kafka';
    }
  });

  test('a token endpoint that does not answer ends --until-end with exit 3', async () => {
    const sasl = { ...bearerOf(secured()), tokenUrl: 'https://localhost:1/token' };
    const end = await jobAt(secured(), 'any', { ...RIGHT.OAUTHBEARER(secured()), sasl }).untilEnd();
    expectCode(end, 3);
    expect(end.stderr).toMatch(/Kafka at .* the token endpoint https:\/\/localhost:1\/token does not answer/);
    expectNoSecret(end);
  });

  const refusals: readonly (readonly [what: string, way: () => Way, message: RegExp])[] = [
    [
      'a mechanism that the listener does not have',
      () => ({ at: 'OPEN', sasl: userOf('scram-sha-256') }),
      /does not take this way to authenticate .*source\.kafka\.sasl\.mechanism/,
    ],
    [
      'SASL at a listener without',
      () => ({ ...RIGHT.TLS(secured()), sasl: userOf('plain') }),
      /has no SASL at this listener .*Leave out source\.kafka\.sasl/,
    ],
    [
      'a client certificate that the broker does not know',
      () => {
        const { cert, key } = secured().stranger;
        return { at: 'MUTUAL', ssl: { ca: secured().server.cert, cert, key } };
      },
      /TLS failed \(.*certificate.*\)\. Correct source\.kafka\.ssl/,
    ],
    [
      'an authority that did not sign the certificate of the token endpoint',
      () => ({
        ...RIGHT.OAUTHBEARER(secured()),
        sasl: { ...bearerOf(secured()), ca: secured().stranger.cert },
      }),
      /The token endpoint .*: TLS failed \(.*certificate.*\)\. Correct tokenUrl, or ca/,
    ],
  ];

  test.each(refusals)('%s ends a service with exit 2 and the key', async (_what, way, message) => {
    await refusedService(jobAt(secured(), 'any', way()), message);
  });

  test.each([
    ['no SASL at a listener that demands it', () => ({ ...RIGHT.PLAIN(secured()), sasl: undefined })],
    ['TLS at a listener without', () => ({ ...RIGHT.TLS(secured()), at: 'OPEN' })],
  ] as readonly (readonly [string, () => Way])[])(
    '%s: told with the keys, in bounded time',
    async (_what, way) => {
      const end = await jobAt(secured(), 'any', way()).untilEnd();
      expect([2, 3], end.stderr).toContain(end.code);
      expect(end.stderr).toMatch(/source\.kafka\.ssl.*source\.kafka\.sasl|source\.kafka\.ssl/);
    },
  );

  test('doctor tells a refusal as a finding', async () => {
    const sasl = userOf('plain', 'wrong-secret');
    const end = await jobAt(secured(), 'any', { ...RIGHT.PLAIN(secured()), sasl }).command('doctor');
    expectCode(end, 1);
    expect(end.stdout).toMatch(/kafka-brokers.*refuses this client: .*Correct source\.kafka\.sasl/s);
    expectNoSecret(end);
  });

  test('files with which no connection can be made are named before one is', async () => {
    const folder = scratchFolder();
    const own = makeCertificate(folder, { validUntil: '20200201000000Z' });
    const none = path.join(folder, 'none.pem');
    writeFileSync(none, 'no certificate');
    const { cert, key } = secured().client;
    const wrong = [
      [{ ca: none }, /none\.pem of source\.kafka\.ssl\.ca holds no certificate/],
      [{ cert: none, key }, /source\.kafka\.ssl\.cert holds no certificate/],
      [{ cert, key: none }, /source\.kafka\.ssl\.key holds no private key/],
      [{ cert, key: secured().stranger.key }, /source\.kafka\.ssl\.key holds the key of another certificate/],
      [{ cert: own.cert, key: own.key }, /source\.kafka\.ssl\.cert .* ended on 2020-02-01/],
    ] as const;
    for (const [ssl, message] of wrong)
      await refusedService(jobAt(secured(), 'any', { at: 'MUTUAL', ssl }), message);
  });
});
