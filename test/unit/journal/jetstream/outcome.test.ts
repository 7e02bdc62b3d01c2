import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { classifyPublishError } from '../../../../journal/jetstream/outcome.ts';

function apiError(errCode: number, description: string, code = 400): JetStreamApiError {
  return new JetStreamApiError({ code, err_code: errCode, description });
}

/** As the client reports a request that nobody took. */
function nobodyTookIt(): Error {
  const inner = new errors.RequestError('no responders', { cause: new errors.NoRespondersError('s') });
  return new Error('jetstream is not enabled', { cause: inner });
}

type Case = { readonly what: string; readonly error: unknown };

describe('what a failed publish means', () => {
  test.each<Case & { readonly type: string }>([
    { what: 'a time-out', error: new errors.TimeoutError(), type: 'unknown' },
    { what: 'a lost connection', error: new errors.ClosedConnectionError(), type: 'unknown' },
    { what: 'a draining connection', error: new errors.DrainingConnectionError(), type: 'unknown' },
    {
      what: '10164, another append is in flight',
      error: apiError(10164, 'wrong last sequence'),
      type: 'unknown',
    },
    { what: '10008, no leader', error: apiError(10008, 'temporarily unavailable', 503), type: 'unknown' },
    { what: 'a code that nobody knows', error: apiError(19999, 'new in a later server'), type: 'unknown' },
    { what: 'something that is no error', error: 'text', type: 'unknown' },
    { what: 'no responders', error: nobodyTookIt(), type: 'noStream' },
    {
      what: '10060, another stream takes the subject',
      error: apiError(10060, 'expected stream'),
      type: 'noStream',
    },
  ])('$what: $type', ({ error, type }) => {
    expect(classifyPublishError(error)).toEqual({ type, cause: error });
  });

  test('a wrong last sequence is a conflict with the last revision, where the server tells it', () => {
    const told = apiError(10071, 'wrong last sequence: 123456789012');
    expect(classifyPublishError(told)).toEqual({ type: 'wrongLast', lastRevision: 123_456_789_012 });
    expect(classifyPublishError(apiError(10071, 'wrong last sequence'))).toEqual({
      ...{ type: 'wrongLast', lastRevision: null },
    });
  });

  test.each([
    { what: 'a full stream', error: apiError(10077, 'maximum messages exceeded', 503), code: 'JOURNAL_FULL' },
    { what: 'a full account', error: apiError(10047, 'insufficient storage', 500), code: 'JOURNAL_FULL' },
    { what: 'a full server', error: apiError(10023, 'insufficient resources', 503), code: 'JOURNAL_FULL' },
    {
      what: 'a missing permission',
      error: new errors.RequestError('denied', {
        cause: new errors.PermissionViolationError('denied', 'publish', 'TIDEMARK.id.x'),
      }),
      code: 'JOURNAL_UNAVAILABLE',
    },
  ])('$what refuses it for now', ({ error, code }) => {
    expect(classifyPublishError(error)).toMatchObject({ type: 'refused', retryable: true, cause: { code } });
  });

  test.each<Case>([
    { what: 'max_msg_size', error: apiError(10054, 'message size exceeds maximum allowed') },
    { what: 'max_payload', error: new errors.InvalidArgumentError("'payload' max_payload size exceeded") },
  ])('over $what is refused for good', ({ error }) => {
    expect(classifyPublishError(error)).toMatchObject({
      ...{ type: 'refused', retryable: false, cause: { code: 'JOURNAL_ENTRY_TOO_LARGE' } },
    });
  });
});
