import { expect, test } from 'vitest';
import { securityHint, unavailableError } from '../../../../src/sources/kafka/errors.ts';

const hint = /check that source\.kafka\.ssl and source\.kafka\.sasl are what this listener expects/;

test.each([
  'Closed connection',
  'Connection timeout',
  'Request ApiVersions(key: 18, version: 2) timed out',
  'Client network socket disconnected before secure TLS connection was established',
  'read ECONNRESET',
  'the broker speaks TLS: set source.kafka.ssl',
])('"%s" may be a matter of security settings, and the error says so', (message) => {
  const error = Object.assign(new Error('outer'), { cause: new Error(message) });
  expect(securityHint(error)).toMatch(hint);
  expect(unavailableError(error, ['a:1'], 'topics').message).toMatch(hint);
});

test('nobody listening, or no such host, is not', () => {
  for (const message of ['connect ECONNREFUSED 127.0.0.1:1', 'getaddrinfo ENOTFOUND a'])
    expect(securityHint(new Error(message))).toBe('');
});
