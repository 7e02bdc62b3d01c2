import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkoutDir, kafkaVersion, natsVersion } from '../../scripts/services/common.ts';

type Service = {
  readonly image: string;
  readonly ports: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
};

const composeDir = path.join(checkoutDir, 'scripts', 'services');
const compose = parse(readFileSync(path.join(composeDir, 'docker-compose.yml'), 'utf8')) as {
  readonly services: Readonly<Record<'kafka' | 'nats', Service>>;
};

describe('scripts/services/docker-compose.yml', () => {
  const { kafka, nats } = compose.services;

  test('names the versions that are run without containers too', () => {
    expect(Object.keys(compose.services)).toEqual(['kafka', 'nats']);
    expect(kafka.image).toBe(`apache/kafka:${kafkaVersion}`);
    expect(natsVersion).toContain(/^nats:([\d.]+)-alpine$/.exec(nats.image)?.[1]);
  });

  test('binds every port to loopback only', () => {
    const ports = [...kafka.ports, ...nats.ports];
    expect(ports).toEqual(['127.0.0.1:9092:9092', '127.0.0.1:4222:4222']);
    expect(kafka.environment?.['KAFKA_ADVERTISED_LISTENERS']).toBe('PLAINTEXT://127.0.0.1:9092');
  });

  test('has a health check for each', () => {
    expect([kafka.healthcheck, nats.healthcheck].every(Boolean)).toBe(true);
  });

  test('creates topics with 4 partitions', () => {
    expect(kafka.environment).toMatchObject({
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'true',
      KAFKA_NUM_PARTITIONS: '4',
    });
  });

  test('mounts a NATS configuration that is there and syncs every write', () => {
    const [file = ''] = nats.volumes?.[0]?.split(':') ?? [];
    const config = path.join(composeDir, file);
    expect(existsSync(config)).toBe(true);
    expect(readFileSync(config, 'utf8')).toMatch(/^ {2}sync_interval: always$/m);
  });
});
