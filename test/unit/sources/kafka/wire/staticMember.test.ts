/** The payloads of a static member, against those of kafkajs, which can write the ids itself. */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { API_KEYS, payloadOf } from '../../../../../src/sources/kafka/client/client.ts';
import type { ProtocolRequest, WireEncoder } from '../../../../../src/sources/kafka/client/types.ts';
import {
  asStaticMember,
  commitRequest,
  joinPayload,
  leaveRequest,
  memberPayload,
} from '../../../../../src/sources/kafka/wire/staticMember.ts';
import { WireReader, WireWriter } from '../../../../../src/sources/kafka/wire/wireTypes.ts';

type MakeRequest = (fields: object) => { encode(): Promise<WireEncoder> };
const load = createRequire(import.meta.url);
const encoded = async (name: string, fields: object): Promise<Buffer> =>
  (await (load(`kafkajs/src/protocol/requests/${name}/request`) as MakeRequest)(fields).encode()).buffer;

const JOIN = {
  ...{ groupId: 'grüppe', sessionTimeout: 30_000, rebalanceTimeout: 60_000, protocolType: 'consumer' },
  groupProtocols: [{ name: 'tidemark', metadata: Buffer.from([1, 2, 3]) }],
};
const IDS = { memberId: 'm-1', instanceId: 'clicks-0' };

test.each([
  ['', 'm-1'],
  ['m-2', 'm-2'],
])('a join of %o gets the instance id, and a member id if it has none', async (memberId, joined) => {
  const plain = await encoded('joinGroup/v5', { ...JOIN, memberId });
  expect(joinPayload(plain, IDS)).toEqual(
    await encoded('joinGroup/v5', { ...JOIN, memberId: joined, groupInstanceId: 'clicks-0' }),
  );
});

test('a sync and a heartbeat get the instance id', async () => {
  const member = { groupId: 'g', memberId: 'm-1' };
  const groupAssignment = [{ memberId: 'm-1', memberAssignment: Buffer.from([9, 8]) }];
  const sync = { ...member, generationId: 7, groupAssignment };
  expect(memberPayload(await encoded('syncGroup/v3', sync), 'i')).toEqual(
    await encoded('syncGroup/v3', { ...sync, groupInstanceId: 'i' }),
  );
  const heartbeat = { ...member, groupGenerationId: 7 };
  expect(memberPayload(await encoded('heartbeat/v3', heartbeat), 'i')).toEqual(
    await encoded('heartbeat/v3', { ...heartbeat, groupInstanceId: 'i' }),
  );
});

test('a leave names both ids; an error of its member is an error', async () => {
  const { request, response } = leaveRequest('g', IDS);
  const members = [{ memberId: 'm-1', groupInstanceId: 'clicks-0' }];
  expect((await request.encode()).buffer).toEqual(await encoded('leaveGroup/v3', { groupId: 'g', members }));
  const answer = (errorCode: number): Buffer =>
    new WireWriter().int32(5).int16(0).int32(1).string('m-1').string('i').int16(errorCode).toBuffer();
  const decoded = await response.decode(answer(0));
  expect(decoded.clientSideThrottleTime).toBe(5);
  await response.parse(decoded);
  await expect(response.parse(await response.decode(answer(82)))).rejects.toMatchObject({
    type: 'FENCED_INSTANCE_ID',
  });
});

test('a commit carries all that version 7 has; an error of its partition is an error', async () => {
  const commit = { groupId: 'g', generationId: 3, topic: 't', partition: 4, offset: 2n ** 53n + 1n };
  const { request, response } = commitRequest({ ...commit, ...IDS, metadata: 'witness' });
  const reader = new WireReader((await request.encode()).buffer);
  const [group, generation, member, instance] = [
    ...[reader.string(), reader.int32(), reader.string(), reader.string()],
  ];
  expect([group, generation, member, instance]).toEqual(['g', 3, 'm-1', 'clicks-0']);
  const topics = reader.array(() => ({
    topic: reader.string(),
    partitions: reader.array(() => [reader.int32(), reader.int64(), reader.int32(), reader.string()]),
  }));
  expect(topics).toEqual([{ topic: 't', partitions: [[4, 2n ** 53n + 1n, -1, 'witness']] }]);
  expect(reader.rest()).toHaveLength(0);
  const answer = new WireWriter().int32(0).int32(1).string('t').int32(1).int32(4).int16(25).toBuffer();
  await expect(response.parse(await response.decode(answer))).rejects.toMatchObject({
    type: 'UNKNOWN_MEMBER_ID',
  });
});

test('only joins, syncs and heartbeats are changed, and no broker without the field is asked', () => {
  const requestOf = (apiKey: number, apiVersion: number): ProtocolRequest<object> => ({
    request: { apiKey, apiVersion, apiName: 'Some', encode: async () => payloadOf(Buffer.alloc(0)) },
    response: { decode: async () => ({}), parse: async (decoded) => decoded },
  });
  expect(asStaticMember(requestOf(API_KEYS.metadata, 5), IDS)).toBeNull();
  expect(asStaticMember(requestOf(API_KEYS.heartbeat, 3), IDS)).not.toBeNull();
  expect(() => asStaticMember(requestOf(API_KEYS.heartbeat, 2), IDS)).toThrow(/older than Kafka 2\.4/);
});
