/**
 * The image and docker-compose.yml, as far as they can be checked where no container engine runs: what they
 * name is there, fits together, and is the version that the tests run against.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkoutDir, kafkaVersion, natsVersion } from '../../scripts/services/common.ts';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';

const textOf = (file: string): string => readFileSync(path.join(checkoutDir, file), 'utf8');

interface Service {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck: unknown;
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
  readonly tmpfs?: readonly string[];
}

const { services, volumes } = parse(textOf('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const named = (prefix: string): readonly Service[] =>
  Object.entries(services)
    .filter(([name]) => name.startsWith(prefix))
    .map(([, service]) => service);

describe('docker-compose.yml', () => {
  const job = loadJobConfig({
    ...{ path: path.join(checkoutDir, 'deploy/compose/job.yaml'), overrides: [], env: {} },
    cwd: checkoutDir,
  });

  test('runs two coordinators, three NATS servers and the versions that the tests run against', () => {
    expect(named('tidemark')).toHaveLength(2);
    expect(named('nats')).toHaveLength(3);
    expect(services['kafka']?.image).toBe(`apache/kafka:${kafkaVersion}`);
    for (const { image } of named('nats'))
      expect(natsVersion).toContain(/^nats:([\d.]+)-alpine$/.exec(image)?.[1]);
  });

  test('binds every port to loopback only, and none twice', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports.every((port) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(new Set(ports).size).toBe(ports.length);
  });

  test('has a health check for each, and mounts what is there', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service.healthcheck, name).toBeDefined();
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        const isThere = source.startsWith('./')
          ? existsSync(path.join(checkoutDir, source))
          : source in volumes;
        expect(isThere, `${name}: ${volume}`).toBe(true);
      }
    }
  });

  test('the job names the servers, ends before the engine kills, and can be asked from outside', () => {
    const { journal, source, http, shutdown } = job as unknown as {
      readonly journal: { readonly servers: readonly string[]; readonly replicas: number };
      readonly source: { readonly brokers: readonly string[] };
      readonly http: { readonly host: string; readonly port: number };
      readonly shutdown: { readonly timeoutMs: number };
    };
    expect(journal.servers).toEqual(['nats://nats-1:4222', 'nats://nats-2:4222', 'nats://nats-3:4222']);
    expect(journal.replicas).toBe(3);
    expect(services['kafka']?.environment?.['KAFKA_ADVERTISED_LISTENERS']).toContain(source.brokers[0]);
    expect(http).toMatchObject({ host: '0.0.0.0', port: 8787 });
    for (const { stop_grace_period: grace } of named('tidemark'))
      expect(Number(grace?.replace('s', '')) * 1_000).toBeGreaterThan(shutdown.timeoutMs);
  });

  test('the NATS servers sync every write and know each other', () => {
    const config = textOf('deploy/compose/nats.conf');
    expect(config).toMatch(/^ {2}sync_interval: always$/m);
    for (const name of ['nats-1', 'nats-2', 'nats-3']) expect(config).toContain(`nats://${name}:6222`);
    expect(named('nats').map(({ environment }) => environment?.['NATS_NAME'])).toEqual(
      Object.keys(services).filter((name) => name.startsWith('nats')),
    );
  });
});

describe('Dockerfile', () => {
  const lines = textOf('Dockerfile').split('\n');
  const ofBuilder = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1));

  test('copies what is there, and .dockerignore lets it through', () => {
    const passed = textOf('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const file of ofBuilder) expect(existsSync(path.join(checkoutDir, file)), file).toBe(true);
    expect(new Set(ofBuilder)).toEqual(new Set(passed));
  });

  test('builds from what the build of the package reads', () => {
    const { include } = JSON.parse(textOf('tsconfig.build.json')) as { readonly include: readonly string[] };
    for (const glob of include) expect(ofBuilder).toContain(glob.split('/')[0]);
  });

  test('ships all of the package but its examples', () => {
    const { files } = JSON.parse(textOf('package.json')) as { readonly files: readonly string[] };
    const shipped = lines
      .filter((line) => line.startsWith('COPY'))
      .flatMap((line) => line.split(' ').slice(1));
    for (const file of files.filter((name) => !name.startsWith('examples/'))) expect(shipped).toContain(file);
  });

  test('runs the program itself, as a user that is not root', () => {
    expect(lines.find((line) => line.startsWith('USER '))).toBe('USER 10001:0');
    expect(lines).toContain('ENTRYPOINT ["/opt/tidemark/bin/tidemark.js"]');
  });
});
