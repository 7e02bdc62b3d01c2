/** The keys of a Kafka source that are more than a text. */
import { describe, expect, test } from 'vitest';
import { configFingerprint } from '../../../src/app/fingerprint.ts';
import { JOB_KINDS } from '../../../src/app/registeredKinds.ts';
import { effectiveConfig } from '../../../src/config/effectiveConfig.ts';
import { loadText, MINIMAL, problemsOfText } from './jobFiles.ts';

describe('offsets to start from', () => {
  const given = 'source.kafka.startFrom={offsets: {clicks: {0: 1200, 1: 0}}}';

  test('are kept for each partition, and are part of the fingerprint and of what is journaled', () => {
    const config = loadText(MINIMAL, { overrides: [given] });
    expect(config.source).toMatchObject({
      startFrom: { type: 'offsets', offsets: { clicks: { 0: 1_200n, 1: 0n } } },
    });
    const other = loadText(MINIMAL, { overrides: [given.replace('1200', '1201')] });
    const [one, another] = [config, other].map((each) => configFingerprint(each, JOB_KINDS));
    expect(one).not.toBe(another);
    expect(effectiveConfig(config)).toMatchObject({
      source: { startFrom: { offsets: { clicks: { 0: '1200', 1: '0' } } } },
    });
  });

  test('may be of a topic that a pattern matches', () => {
    const overrides = ['source.kafka.topics=[/cl.*/]', given];
    expect(loadText(MINIMAL, { overrides }).source).toMatchObject({ startFrom: { type: 'offsets' } });
  });

  test.each([
    ['source.kafka.startFrom=7', 'is a number; expected earliest, latest, group, a time'],
    ['source.kafka.startFrom={offsets: {clicks: 7}}', 'is a number; expected a map of partitions'],
    ['source.kafka.startFrom={offsets: {clicks: {a: 7}}}', '"a" is no partition; expected its number'],
    ['source.kafka.startFrom={offsets: {clicks: {0: -1}}}', 'is negative; expected an offset'],
    ['source.kafka.startFrom={offsets: {clicks: {0: 1.5}}}', 'is a number; expected an offset'],
    ['source.kafka.startFrom={offsets: {views: {0: 1}}}', '"views" is no topic of the job'],
  ])('-D %s %s', (override, message) => {
    const lines = problemsOfText(MINIMAL, { overrides: [override] });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(message);
  });
});

describe('topics', () => {
  test('may be names and regular expressions; both are part of the fingerprint', () => {
    const config = loadText(MINIMAL, { overrides: ["source.kafka.topics=[clicks, '/orders\\..*/']"] });
    expect(config.source).toMatchObject({ topics: ['clicks', '/orders\\..*/'] });
    const plain = configFingerprint(loadText(MINIMAL), JOB_KINDS);
    expect(configFingerprint(config, JOB_KINDS)).not.toBe(plain);
  });

  test.each([
    ['source.kafka.topics=[/a)(b/]', '"/a)(b/" is no regular expression (Invalid regular expression'],
    ['source.kafka.topics=[/__.*/]', '"/__.*/" can match no topic'],
    ['source.kafka.topics=[/a/i]', '"/a/i" is no expression between two slashes'],
  ])('-D %s %s', (override, message) => {
    const lines = problemsOfText(MINIMAL, { overrides: [override] });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(message);
  });
});
