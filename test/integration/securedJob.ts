/** Jobs at a broker that demands authentication: the ways of a job file, and how one is refused. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { hasOpenssl } from '../services/certificates.ts';
import { describeIntegration } from '../services/integration.ts';
import { SecuredKafka, USER, type SecuredListener } from '../services/securedKafka.ts';
import { TOKEN_CLIENT } from '../services/tokenServer.ts';
import { makeTopic, producerOf, unique } from './kafkaFixture.ts';
import { expectCode, TestJob } from './testJob.ts';
import type { ProcessEnd } from './tidemarkProcess.ts';

export interface Way {
  readonly at: SecuredListener;
  readonly ssl?: unknown;
  readonly sasl?: unknown;
}

export type Ways = Readonly<Record<string, (kafka: SecuredKafka) => Way>>;

const users = (mechanism: string) => (kafka: SecuredKafka) =>
  ({ at: 'USERS', ssl: { ca: kafka.server.cert }, sasl: userOf(mechanism) }) as const;

/** Every way that is accepted. */
export const RIGHT = {
  TLS: (kafka) => ({ at: 'TLS', ssl: { ca: kafka.server.cert } }),
  'mutual TLS': (kafka) => ({
    at: 'MUTUAL',
    ssl: { ca: kafka.server.cert, cert: kafka.client.cert, key: kafka.client.key },
  }),
  PLAIN: users('plain'),
  'SCRAM-SHA-256': users('scram-sha-256'),
  'SCRAM-SHA-512': users('scram-sha-512'),
  OAUTHBEARER: (kafka) => ({ at: 'TOKENS', ssl: { ca: kafka.server.cert }, sasl: bearerOf(kafka) }),
} as const satisfies Ways;

export const userOf = (mechanism: string, password = USER.password) => ({
  ...{ mechanism, username: USER.name, password },
});

export const bearerOf = (kafka: SecuredKafka) => ({
  mechanism: 'oauthbearer',
  tokenUrl: kafka.tokens.url,
  clientId: TOKEN_CLIENT.id,
  clientSecret: TOKEN_CLIENT.secret,
  scope: 'read more',
  extensions: { logicalCluster: 'lkc-42' },
  ca: kafka.endpoint.cert,
});

/** Tests at a broker of their own that demands authentication, which `kafka` gives while they run. */
export function describeSecured(timeoutMs: number, tests: (kafka: () => SecuredKafka) => void): void {
  describeIntegration(
    'Kafka that demands it',
    () => {
      describe.skipIf(!hasOpenssl)('at one broker', () => {
        let secured: SecuredKafka;
        beforeAll(async () => {
          secured = await SecuredKafka.start();
        }, 120_000);
        afterAll(() => secured[Symbol.asyncDispose]());
        tests(() => secured);
      });
    },
    { ownServers: true, timeoutMs },
  );
}

/** A topic with these records. */
export async function topicOf({ kafka }: SecuredKafka, values: readonly string[]): Promise<string> {
  const topic = await makeTopic(kafka.brokers);
  await sendTo(kafka.brokers, topic, values);
  return topic;
}

export async function sendTo(brokers: string[], topic: string, values: readonly string[]): Promise<void> {
  await (await producerOf(brokers)).send({ topic, messages: values.map((value) => ({ value })) });
}

export function jobAt(secured: SecuredKafka, topic: string, { at, ...security }: Way): TestJob {
  const brokers = secured.brokers(at);
  const kafka = { brokers, topics: [topic], groupId: unique('group'), ...security };
  return new TestJob({ brokers, topic, sections: { source: { kafka }, startup: { timeout: '4s' } } });
}

/** A service, which waits for whatever may come: a refusal ends it nevertheless. */
export async function refusedService(job: TestJob, message: RegExp): Promise<void> {
  const end = await job.start().ended;
  expectCode(end, 2);
  expect(end.stderr).toMatch(message);
  expectNoSecret(end);
}

export function expectNoSecret({ stdout, stderr }: ProcessEnd): void {
  for (const secret of [USER.password, TOKEN_CLIENT.secret, 'wrong-secret', 'eyJ'])
    expect(stdout + stderr).not.toContain(secret);
}
