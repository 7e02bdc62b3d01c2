import { expect, test } from 'vitest';
import { SPEAKS_TLS } from '../../../../src/sources/kafka/client/errors.ts';
import { authenticationError, securityHint, unavailableError } from '../../../../src/sources/kafka/errors.ts';

const hint = /check that source\.kafka\.ssl and source\.kafka\.sasl are what this listener expects/;

test.each([
  'Closed connection',
  'Connection timeout',
  'Request ApiVersions(key: 18, version: 2) timed out',
  'Client network socket disconnected before secure TLS connection was established',
  'read ECONNRESET',
])('"%s" may be a matter of security settings, and the error says so', (message) => {
  const error = Object.assign(new Error('outer'), { cause: new Error(message) });
  expect(securityHint(error)).toMatch(hint);
  expect(unavailableError(error, ['a:1'], 'topics').message).toMatch(hint);
});

test('nobody listening, or no such host, is not', () => {
  for (const message of ['connect ECONNREFUSED 127.0.0.1:1', 'getaddrinfo ENOTFOUND a'])
    expect(securityHint(new Error(message))).toBe('');
});

test.each([
  [{ message: SPEAKS_TLS }, /speaks TLS, and the job file does not: set source\.kafka\.ssl/],
  [{ code: 'CERT_HAS_EXPIRED' }, /TLS failed .*source\.kafka\.ssl \(ca, cert, key\)/],
  [{ type: 'SASL_AUTHENTICATION_FAILED' }, /refuses this client: .*source\.kafka\.sasl \(username/],
  [{ type: 'UNSUPPORTED_SASL_MECHANISM' }, /source\.kafka\.sasl\.mechanism/],
  [{ type: 'ILLEGAL_SASL_STATE' }, /has no SASL at this listener/],
  [{ type: 'GROUP_AUTHORIZATION_FAILED' }, /access rights/],
])('%j is told with its key', (facts, message) => {
  const error = Object.assign(new Error('outer'), { cause: Object.assign(new Error('inner'), facts) });
  expect(authenticationError(error, ['a:1'])).toMatchObject({ code: 'SOURCE_AUTHENTICATION' });
  expect(authenticationError(error, ['a:1']).message).toMatch(message);
});
