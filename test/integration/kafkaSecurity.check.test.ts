/** A real broker that demands authentication: every way of the job file, and what it says of a wrong one. */
import { expect, test } from 'vitest';
import {
  bearerOf,
  describeSecured,
  expectNoSecret,
  jobAt,
  refusedService,
  RIGHT,
  topicOf,
  userOf,
  type Ways,
} from './securedJob.ts';

const WRONG: readonly (readonly [what: string, way: Ways[string], message: RegExp])[] = [
  [
    'a wrong password',
    (kafka) => ({ ...RIGHT['SCRAM-SHA-256'](kafka), sasl: userOf('scram-sha-256', 'wrong-secret') }),
    /SOURCE_AUTHENTICATION: Kafka at localhost:\d+ refuses this client: .*Correct source\.kafka\.sasl/,
  ],
  [
    'a wrong client secret',
    (kafka) => ({
      ...RIGHT.OAUTHBEARER(kafka),
      sasl: { ...bearerOf(kafka), clientSecret: 'wrong-secret' },
    }),
    /SOURCE_AUTHENTICATION: The token endpoint .* 401 \(invalid_client: no .*\)\. Correct .*clientSecret/,
  ],
  [
    'another authority',
    (kafka) => ({ ...RIGHT.PLAIN(kafka), ssl: { ca: kafka.stranger.cert } }),
    /SOURCE_AUTHENTICATION: Kafka at .*: TLS failed \(.*certificate.*\)\. Correct source\.kafka\.ssl/,
  ],
  [
    'an expired certificate of the broker',
    (kafka) => ({ at: 'EXPIRED', ssl: { ca: kafka.expired.cert } }),
    /SOURCE_AUTHENTICATION: Kafka at .*: TLS failed \(.*certificate has expired\)/,
  ],
  [
    'no client certificate',
    (kafka) => ({ at: 'MUTUAL', ssl: { ca: kafka.server.cert } }),
    /SOURCE_AUTHENTICATION: Kafka at .*: TLS failed \(.*certificate.*\)\. Correct source\.kafka\.ssl/,
  ],
  [
    'no TLS',
    () => ({ at: 'TLS' }),
    /SOURCE_AUTHENTICATION: Kafka at .* speaks TLS, and the job file does not: set source\.kafka\.ssl/,
  ],
];

describeSecured(60_000, (secured) => {
  test.each(Object.entries(RIGHT))('%s', async (_what, way) => {
    const job = jobAt(secured(), await topicOf(secured(), ['a', 'b']), way(secured()));
    expectNoSecret(await job.finish());
    expect([...job.committed().values()].flat()).toEqual(['a', 'b']);
  });

  test('the endpoint is asked for one token, with the scope', () => {
    const asked = secured().tokens.asked.filter(({ status }) => status === 200);
    expect(asked.map(({ form }) => Object.fromEntries(form))).toEqual([
      { grant_type: 'client_credentials', scope: 'read more' },
    ]);
  });

  test.each(WRONG)('%s ends a service with exit 2 and the key', async (_what, way, message) => {
    await refusedService(jobAt(secured(), 'any', way(secured())), message);
  });
});
