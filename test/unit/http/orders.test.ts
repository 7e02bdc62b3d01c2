import { describe, expect, it, test } from 'vitest';
import { openApi } from '../../../src/http/openApi.ts';
import { requestOf, targetOf, VERB_NAMES, type Verb } from '../../../src/http/orders.ts';

describe('a verb becomes the request of the command of that name', () => {
  it.each<[Verb, unknown, object]>([
    ['roll', {}, { type: 'roll' }],
    ['resume', {}, { type: 'resume', from: null, acceptLoss: false }],
    ['resume', { from: 'witness', acceptLoss: true }, { type: 'resume', from: 'witness', acceptLoss: true }],
    ['repair', {}, { type: 'repair', notTaken: false }],
    ['repair', { notTaken: true }, { type: 'repair', notTaken: true }],
    ['accept-loss', { from: '100', to: 250 }, { type: 'acceptLoss', fromOffset: 100n, toOffset: 250n }],
    [
      'skip-record',
      { offset: '9223372036854775806' },
      { type: 'acceptLoss', fromOffset: 9_223_372_036_854_775_806n, toOffset: 9_223_372_036_854_775_807n },
    ],
    ['accept-truncation', {}, { type: 'acceptTruncation', divergedAt: null }],
    ['accept-truncation', { from: '7' }, { type: 'acceptTruncation', divergedAt: 7n }],
  ])('%s %j', (verb, body, request) => {
    expect(requestOf(verb, body)).toEqual(request);
  });

  it.each<[Verb, unknown, string]>([
    ['roll', { now: true }, 'now'],
    ['repair', { notTaken: 'yes' }, 'notTaken'],
    ['resume', { from: 'journal', acceptLoss: true }, 'acceptLoss goes with'],
    ['accept-loss', { from: '250', to: '100' }, '"to" is the first offset that is kept'],
    ['skip-record', { offset: '9223372036854775808' }, 'expected an offset'],
    ['skip-record', { offset: -1 }, 'expected an offset'],
  ])('%s %j is refused', (verb, body, message) => {
    expect(() => requestOf(verb, body)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', message: expect.stringContaining(message) as string }),
    );
  });
});

test('a path names a partition, whose topic may be a path itself, and a verb', () => {
  expect(targetOf(['a', 'b.ndjson', '0:repair'])).toEqual({
    ...{ partition: { topic: 'a/b.ndjson', partition: 0 }, verb: 'repair' },
  });
  expect(targetOf(['clicks', '0:mend'])).toBeNull();
});

test('the OpenAPI document has each verb', () => {
  const text = JSON.stringify(openApi('1.0.0'));
  for (const verb of VERB_NAMES) expect(text).toContain(`:${verb}`);
});
