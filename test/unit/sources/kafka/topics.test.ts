import { describe, expect, test } from 'vitest';
import { parsePattern, topicsOf } from '../../../../src/sources/kafka/topics.ts';

describe('the topics of a job', () => {
  const topics = topicsOf(['clicks', '/orders\\..*/', '/a|b/', '/__.*|_x/']);

  test('are names and patterns', () => {
    expect(topics.names).toEqual(['clicks']);
    expect(topics.patterns.map(({ text }) => text)).toEqual(['/orders\\..*/', '/a|b/', '/__.*|_x/']);
  });

  test.each(['clicks', 'orders.', 'orders.eu.1', 'a', 'b', '_x'])('%s is one', (topic) => {
    expect(topics.isOfJob(topic)).toBe(true);
  });

  test.each(['click', 'orders', 'ordersx1', 'old-orders.eu', 'ab', 'bb', '__consumer_offsets', '__x'])(
    '%s is none: a pattern matches whole names, and never an internal topic',
    (topic) => {
      expect(topics.isOfJob(topic)).toBe(false);
    },
  );
});

test.each(['/__.*/', '/__consumer_offsets/', '/__(a|b)/', '/__[a|b]\\|/'])(
  '%s can match no topic: internal ones are never read',
  (entry) => {
    expect(parsePattern(entry)).toMatchObject({
      type: 'invalid',
      reason: expect.stringContaining(`"${entry}" can match no topic`) as string,
    });
  },
);

test.each([
  ['/__?a/', '_a'],
  ['/__*a/', '_a'],
  ['/__{0}a/', '_a'],
  ['/__(a)|b/', 'b'],
  ['/_.*/', '_a'],
])('%s can match %s', (entry, topic) => {
  expect(topicsOf([entry]).isOfJob(topic)).toBe(true);
});

test.each(['/', '//', '/a', '/a/i', '/a)(b/', '/[/', '/(?<n>a)(?<n>b)/'])('%s is no pattern', (entry) => {
  const parsed = parsePattern(entry);
  expect(parsed).toMatchObject({ type: 'invalid', reason: expect.stringContaining(`"${entry}"`) as string });
});
