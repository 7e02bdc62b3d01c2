import { describe, expect, test } from 'vitest';
import { jobName } from '../../../../../journal/ids.ts';
import { Secret } from '../../../../../kernels/schema/secret.ts';
import {
  listenersFinding,
  seedsFinding,
  versionsFinding,
} from '../../../../../src/sources/kafka/probing/cluster.ts';
import { membersFinding } from '../../../../../src/sources/kafka/probing/group.ts';
import { partitionsFinding, topicsFinding } from '../../../../../src/sources/kafka/probing/probe.ts';
import { denied, principalOf } from '../../../../../src/sources/kafka/probing/rights.ts';
import {
  configsRequest,
  decodeConfigsResponse,
  encodeConfigsRequest,
} from '../../../../../src/sources/kafka/wire/configs.ts';
import { WireWriter } from '../../../../../src/sources/kafka/wire/wireTypes.ts';

const cluster = (clusterId: string, ...ports: number[]) => ({
  clusterId,
  brokers: ports.map((port, nodeId) => ({ nodeId, host: 'h', port })),
  topics: [],
});
const refused = Object.assign(new Error('bad password'), { name: 'KafkaJSSASLAuthenticationError' });

describe('the addresses of the job file', () => {
  test('all answer, some, none, or one refuses this client', () => {
    const good = { address: 'a:1', answer: cluster('c', 1, 2) };
    const away = { address: 'b:2', answer: { error: new Error('ECONNREFUSED') } };
    expect(seedsFinding([good])).toMatchObject({
      outcome: 'pass',
      found: 'cluster c of 2 brokers; all 1 addresses of the job file answer',
    });
    expect(seedsFinding([good, away])).toMatchObject({
      outcome: 'warn',
      found: expect.stringContaining('b:2') as string,
    });
    expect(seedsFinding([away])).toMatchObject({ outcome: 'notDone' });
    expect(seedsFinding([good, { address: 'b:2', answer: { error: refused } }]).outcome).toBe('fail');
    expect(seedsFinding([good, { address: 'b:2', answer: cluster('d', 3) }]).outcome).toBe('fail');
  });
});

test('an announced address that is not reached is named', async () => {
  const at = async (nodeId: number) => {
    if (nodeId === 1) throw new Error('connect ETIMEDOUT');
    return undefined as never;
  };
  expect(await listenersFinding({ at }, cluster('c', 9_092, 9_093))).toMatchObject({
    outcome: 'fail',
    found: 'announced, and not reached from here: broker 1 at h:9093 (connect ETIMEDOUT)',
    howToMend: expect.stringContaining('advertised.listeners') as string,
  });
  expect((await listenersFinding({ at }, cluster('c', 9_092))).outcome).toBe('pass');
});

test('a broker that lacks a version of the protocol', () => {
  const all = Object.fromEntries([1, 3, 23, 32].map((key) => [key, { minVersion: 0, maxVersion: 20 }]));
  expect(versionsFinding(new Map([[1, all]])).outcome).toBe('pass');
  const old = { ...all, 3: { minVersion: 0, maxVersion: 9 } };
  expect(
    versionsFinding(
      new Map([
        [1, all],
        [2, old],
      ]),
    ),
  ).toMatchObject({
    outcome: 'fail',
    found: 'broker 2 has no Metadata of version 10',
  });
});

describe('topics', () => {
  const found = {
    topics: ['a'],
    partitions: 3,
    missing: [],
    refused: [],
    unmatched: [],
    principal: 'User:u',
  };
  test('are there, missing, refused or unmatched', () => {
    expect(topicsFinding(found)).toMatchObject({ outcome: 'pass', found: '1 topic with 3 partitions: a' });
    expect(topicsFinding({ ...found, missing: ['b'] })).toMatchObject({
      outcome: 'fail',
      found: 'there is no topic b',
    });
    expect(topicsFinding({ ...found, unmatched: ['/x.*/'] }).outcome).toBe('warn');
    expect(topicsFinding({ ...found, refused: ['b'] })).toMatchObject({
      outcome: 'fail',
      howToMend:
        "Grant it: kafka-acls --add --allow-principal 'User:u' --operation Describe --operation Read " +
        "--topic 'b'.",
    });
  });

  test('have leaders, and copies that are in sync', () => {
    const at = (leader: number, inSync: number) => [
      {
        topic: 't',
        errorCode: 0,
        topicId: null,
        partitions: [{ partition: 0, errorCode: 0, leader, leaderEpoch: 1, replicas: 3, inSync }],
      },
    ];
    expect(partitionsFinding(at(1, 3)).outcome).toBe('pass');
    expect(partitionsFinding(at(1, 2))).toMatchObject({
      outcome: 'warn',
      found: 'copies are missing or behind: t/0',
    });
    expect(partitionsFinding(at(-1, 3))).toMatchObject({ outcome: 'fail', found: 'no leader: t/0' });
  });
});

test('members of the group: none, own ones, others', () => {
  const job = jobName('clicks');
  const member = (name: string, of: string | null) => ({
    ...{ name, topics: [], isBounded: false },
    job: of,
  });
  expect(membersFinding('g', job, [], 0).outcome).toBe('pass');
  expect(membersFinding('g', job, [member('m', 'clicks')], 3)).toMatchObject({
    outcome: 'pass',
    found: 'the group g has 1 member, of this job alone; offsets of 3 partitions are committed',
  });
  for (const other of ['orders', null])
    expect(membersFinding('g', job, [member('console', other)], 0)).toMatchObject({
      outcome: 'fail',
      found: 'the group g has members of others: console',
    });
});

test('an ACL names whom the brokers know', () => {
  const user = { mechanism: 'plain', username: 'tm', password: new Secret('pw') } as const;
  expect(principalOf({ sasl: user, hasCertificate: true })).toBe('User:tm');
  const endpoint = {
    ...{ url: 'https://a/token', clientId: 'c', clientSecret: new Secret('s'), scope: null, caFile: null },
  };
  const bearer = { mechanism: 'oauthbearer', endpoint, extensions: {} } as const;
  expect(principalOf({ sasl: bearer, hasCertificate: false })).toContain('(sub) of the token');
  expect(principalOf({ sasl: null, hasCertificate: false })).toBe('User:ANONYMOUS');
  expect(denied('User:tm', 'group', ['g'], ['Read']).howToMend).toContain("--operation Read --group 'g'");
});

test('configurations of several topics in one request', async () => {
  expect(encodeConfigsRequest('topic', ['t'], ['k'])).toEqual(
    Buffer.concat([
      Buffer.from([0, 0, 0, 1, 2, 0, 1]),
      ...[Buffer.from('t'), Buffer.from([0, 0, 0, 1, 0, 1]), Buffer.from('k'), Buffer.from([0])],
    ]),
  );
  const writer = new WireWriter().int32(0).int32(2);
  writer
    .int16(0)
    .int16(-1)
    .int8(2)
    .string('t')
    .int32(1)
    .string('k')
    .string('v')
    .int8(0)
    .int8(5)
    .int8(0)
    .int32(0);
  writer.int16(29).int16(-1).int8(2).string('u').int32(0);
  const { response } = configsRequest('topic', ['t', 'u'], ['k']);
  expect((await response.decode(writer.toBuffer())).answers).toEqual([
    { name: 't', errorCode: 0, values: new Map([['k', 'v']]) },
    { name: 'u', errorCode: 29, values: new Map() },
  ]);
  expect(decodeConfigsResponse(writer.toBuffer()).answers).toHaveLength(2);
});
