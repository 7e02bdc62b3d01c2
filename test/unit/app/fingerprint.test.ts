import { describe, expect, test } from 'vitest';
import { configFingerprint } from '../../../src/app/fingerprint.ts';
import { JOB_KINDS } from '../../../src/app/registeredKinds.ts';
import { loadText, MINIMAL } from './jobFiles.ts';

describe('the fingerprint', () => {
  const fingerprint = (overrides: readonly string[] = [], env = {}): string => {
    const config = loadText(MINIMAL, { overrides: ['sink.path=file:///out', ...overrides], env });
    return configFingerprint(config, JOB_KINDS);
  };

  test('is a SHA-256 that stays the same for the same meaning', () => {
    expect(fingerprint()).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprint(['roll.maxAge=600s', 'source.kafka.groupId=clicks', 'sink.path=file:///out/'])).toBe(
      fingerprint(),
    );
    expect(fingerprint(['source.kafka.topics=[a, b]'])).toBe(fingerprint(['source.kafka.topics=[b, a]']));
  });

  test('is the one of earlier versions: a changed one would be journaled as a changed job', () => {
    expect(fingerprint()).toBe('ab4c24b9c1647238e58c1cb227815158620772fae5cd5631873ba5baa96a3707');
  });

  test('does not depend on secrets and addresses', () => {
    const sasl = 'source.kafka.sasl={ mechanism: plain, username: u, password: { env: P } }';
    expect(
      fingerprint([sasl, 'source.kafka.brokers=[b:1]', 'journal.nats.servers=["nats://x"]'], { P: 'a' }),
    ).toBe(fingerprint());
  });

  test.each([
    'job=other',
    'source.kafka.topics=[other]',
    'source.kafka.groupId=other',
    'source.kafka.startFrom=latest',
    'sink.path=file:///other',
    'sink.suffix=.x',
    'bucket.by=none',
    'bucket.pattern=yyyy',
    'bucket.timezone=Europe/Berlin',
    'roll.maxBytes=1B',
    'checkpoint.interval=1s',
  ])('changes with %s', (override) => {
    expect(fingerprint([override])).not.toBe(fingerprint());
  });
});
