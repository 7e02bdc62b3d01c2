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

test.each(['/', '//', '/a', '/a/i', '/a)(b/', '/[/', '/(?<n>a)(?<n>b)/'])('%s is no pattern', (entry) => {
  const parsed = parsePattern(entry);
  expect(parsed).toMatchObject({ type: 'invalid', reason: expect.stringContaining(`"${entry}"`) as string });
});
