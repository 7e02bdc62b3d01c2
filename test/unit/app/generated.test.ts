import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadJobConfig } from '../../../src/app/jobFile/loadJobConfig.ts';
import { jobJsonSchema } from '../../../src/app/jobFile/keys.ts';
import { checkoutDir, generators } from '../../../scripts/generators.ts';

test.each(generators)('$file is what `npm run generate` makes', async ({ file, generate }) => {
  const stored = readFileSync(path.join(checkoutDir, file), 'utf8');
  expect(stored, `${file} is stale: run npm run generate`).toBe(await generate());
});

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly anyOf?: readonly SchemaNode[];
  readonly default?: unknown;
  readonly additionalProperties?: boolean;
}

/** Every key with its dotted path; what a list or a secret holds is no key. */
function keysOf(node: SchemaNode, prefix = ''): { key: string; node: SchemaNode }[] {
  const nodes = [node, ...(node.anyOf ?? [])];
  return nodes.flatMap(({ properties = {} }) =>
    Object.entries(properties)
      .filter(([name]) => name !== 'env')
      .flatMap(([name, child]) => [
        { key: `${prefix}${name}`, node: child },
        ...keysOf(child, `${prefix}${name}.`),
      ]),
  );
}

describe('the JSON Schema', () => {
  const keys = keysOf(jobJsonSchema());

  test('describes every key of the contract and knows no other', () => {
    expect(keys.map(({ key }) => key)).toEqual([
      'job',
      'source',
      'source.kafka',
      'source.kafka.brokers',
      'source.kafka.topics',
      'source.kafka.groupId',
      'source.kafka.instanceId',
      'source.kafka.startFrom',
      'source.kafka.startFrom.offsets',
      'source.kafka.decode',
      'source.kafka.ssl',
      'source.kafka.ssl.ca',
      'source.kafka.ssl.cert',
      'source.kafka.ssl.key',
      'source.kafka.ssl.rejectUnauthorized',
      'source.kafka.sasl',
      'source.kafka.sasl.mechanism',
      'source.kafka.sasl.username',
      'source.kafka.sasl.password',
      'source.kafka.sasl.tokenUrl',
      'source.kafka.sasl.clientId',
      'source.kafka.sasl.clientSecret',
      'source.kafka.sasl.scope',
      'source.kafka.sasl.extensions',
      'source.kafka.sasl.ca',
      'source.file',
      'source.file.path',
      'source.file.time',
      'sink',
      'sink.path',
      'sink.format',
      'sink.envelope',
      'sink.compression',
      'sink.compression.codec',
      'sink.compression.level',
      'sink.prefix',
      'sink.suffix',
      'sink.entropy',
      'sink.entropy.key',
      'sink.entropy.length',
      'sink.parquet',
      'sink.parquet.rowGroup',
      'sink.kind',
      'sink.endpoint',
      'sink.region',
      'sink.credentials',
      'sink.credentials.provider',
      'sink.credentials.accessKeyId',
      'sink.credentials.accessKeySecret',
      'sink.credentials.securityToken',
      'sink.credentials.profile',
      'sink.credentials.profileFile',
      'sink.credentials.roleName',
      'sink.credentials.roleArn',
      'sink.credentials.oidcProviderArn',
      'sink.credentials.oidcTokenFile',
      'sink.credentials.roleSessionName',
      'sink.credentials.stsEndpoint',
      'sink.credentials.uri',
      'sink.uploadPartSize',
      'sink.jindosdk',
      'sink.jindosdk.library',
      'key',
      'key.decode',
      'value',
      'value.decode',
      'value.tombstones',
      'value.lineFeeds',
      'value.schema',
      'bad',
      'bad.to',
      'bad.stopAfter',
      'bucket',
      'bucket.by',
      'bucket.pattern',
      'bucket.timezone',
      'bucket.field',
      'bucket.unit',
      'bucket.fallback',
      'bucket.maxOpen',
      'roll',
      'roll.maxBytes',
      'roll.maxRecords',
      'roll.maxAge',
      'roll.maxIdle',
      'checkpoint',
      'checkpoint.interval',
      'startup',
      'startup.timeout',
      'shutdown',
      'shutdown.timeout',
      'memory',
      'http',
      'http.host',
      'http.port',
      'http.token',
      'journal',
      'journal.nats',
      'journal.nats.servers',
      'journal.nats.stream',
      'journal.nats.replicas',
      'journal.nats.credentials',
      'journal.nats.user',
      'journal.nats.password',
      'journal.nats.token',
      'journal.nats.nkey',
      'journal.nats.tls',
      'journal.nats.tls.ca',
      'journal.nats.tls.cert',
      'journal.nats.tls.key',
      'journal.sqlite',
      'journal.sqlite.path',
    ]);
    expect(keys.filter(({ node }) => node.description === undefined).map(({ key }) => key)).toEqual([]);
    expect(keys.filter(({ node }) => node.properties && node.additionalProperties !== false)).toEqual([]);
  });

  test('docs/job-file.md names every key, with its default', () => {
    const page = readFileSync(path.join(checkoutDir, 'docs/job-file.md'), 'utf8');
    const rows = page.split('\n');
    for (const { key, node } of keys) {
      if (node.default === undefined || typeof node.default === 'object' || node.default === '') continue;
      const row = rows.find((line) => line.startsWith(`| \`${key}\` `));
      expect(row, key).toContain(`\`${JSON.stringify(node.default).replaceAll('"', '')}\``);
    }
    expect(keys.map(({ key }) => key).filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
  });
});

describe('the examples', () => {
  const jobFiles = globSync('examples/*.yaml', { cwd: checkoutDir });

  test.each(jobFiles)('%s is valid and points editors to the schema', (file) => {
    const overrides = file.endsWith('secure.yaml') ? ['source.kafka.ssl.ca='] : [];
    const accessKey = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'secret' };
    const env = { KAFKA_PASSWORD: 'x', NATS_TOKEN: 'y', ...accessKey };
    expect(loadJobConfig({ path: file, overrides, env, cwd: checkoutDir }).baseDir).toBe(
      path.join(checkoutDir, 'examples'),
    );
    expect(readFileSync(path.join(checkoutDir, file), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/schema\/job\.schema\.json\n/,
    );
  });

  test('there are some', () => {
    expect(jobFiles.length).toBeGreaterThanOrEqual(4);
  });
});
