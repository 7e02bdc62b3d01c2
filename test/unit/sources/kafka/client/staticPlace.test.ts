/** What a consumer sends as a static member, where kafkajs's connections would be. */
import { describe, expect, test } from 'vitest';
import { API_KEYS, payloadOf } from '../../../../../src/sources/kafka/client/client.ts';
import { observedAssigner } from '../../../../../src/sources/kafka/client/observedAssigner.ts';
import type {
  Cluster,
  ConnectionPool,
  ProtocolRequest,
} from '../../../../../src/sources/kafka/client/types.ts';
import { WireReader, WireWriter } from '../../../../../src/sources/kafka/wire/wireTypes.ts';

interface Scene {
  send(apiKey: number, apiVersion: number, payload: Buffer): Promise<unknown>;
  readonly sent: readonly { readonly apiKey: number; readonly payload: Buffer }[];
  readonly remembered: string[];
  answer: () => Promise<unknown>;
}

/** `placeId`: the member id of before. */
async function scene(placeId: string): Promise<Scene> {
  const sent: { apiKey: number; payload: Buffer }[] = [];
  let place = placeId;
  const remembered: string[] = [];
  const pool = {
    ...{ host: 'h', port: 1, pool: [] },
    send: async ({ request }: ProtocolRequest<unknown>) => {
      sent.push({ apiKey: request.apiKey, payload: (await request.encode()).buffer });
      return bench.answer();
    },
  } as unknown as ConnectionPool;
  const cluster = {
    connectionPoolBuilder: { build: async () => pool },
    refreshMetadataIfNecessary: async () => undefined,
    findTopicPartitionMetadata: () => [],
  } as unknown as Cluster;
  const observer = {
    memberIdGiven: () => undefined,
    joined: (memberId: string) => {
      place = memberId;
      remembered.push(memberId);
    },
    synced: () => undefined,
  };
  const { assigner } = observedAssigner(observer, {
    ...{ seeds: [], name: 'tidemark', metadata: () => Buffer.alloc(0), assign: async () => [] },
    place: {
      instanceId: 'clicks-0',
      memberId: () => place,
      memberIdUnknown: () => {
        place = '';
      },
    },
  });
  assigner({ cluster } as unknown as Parameters<typeof assigner>[0]);
  const made = await cluster.connectionPoolBuilder.build();
  const bench: Scene = {
    ...{ sent, remembered },
    answer: async () => ({ memberId: 'new', generationId: 1 }),
    send: (apiKey, apiVersion, payload) =>
      made.send({
        request: { apiKey, apiVersion, apiName: 'Some', encode: async () => payloadOf(payload) },
        response: { decode: async () => ({}), parse: async (decoded: unknown) => decoded as object },
      }),
  };
  return bench;
}

const join = (memberId: string): Buffer =>
  new WireWriter().string('g').int32(1).int32(2).string(memberId).int16(-1).string('consumer').toBuffer();

function joinedAs(payload: Buffer): unknown {
  const reader = new WireReader(payload);
  return [reader.string(), reader.int32(), reader.int32(), reader.string(), reader.string()].slice(3);
}

describe('a static member', () => {
  test('joins again with the member id of before, and with none once Kafka has forgotten it', async () => {
    const bench = await scene('before');
    bench.answer = () => Promise.reject(Object.assign(new Error('no'), { type: 'UNKNOWN_MEMBER_ID' }));
    await expect(bench.send(API_KEYS.joinGroup, 5, join(''))).rejects.toThrow('no');
    bench.answer = async () => ({ memberId: 'new', generationId: 1 });
    await bench.send(API_KEYS.joinGroup, 5, join(''));
    await bench.send(API_KEYS.joinGroup, 5, join(''));
    expect(bench.sent.map(({ payload }) => joinedAs(payload))).toEqual([
      ['before', 'clicks-0'],
      ['', 'clicks-0'],
      ['new', 'clicks-0'],
    ]);
    expect(bench.remembered).toEqual(['new', 'new']);
  });

  test('that is fenced keeps its member id: it must not take the place back', async () => {
    const bench = await scene('before');
    bench.answer = () => Promise.reject(Object.assign(new Error('no'), { type: 'FENCED_INSTANCE_ID' }));
    for (let times = 0; times < 2; times += 1)
      await expect(bench.send(API_KEYS.joinGroup, 5, join(''))).rejects.toThrow('no');
    expect(bench.sent.map(({ payload }) => joinedAs(payload))).toEqual([
      ['before', 'clicks-0'],
      ['before', 'clicks-0'],
    ]);
  });

  test('never leaves, and asks for all else as it is', async () => {
    const bench = await scene('before');
    await bench.send(API_KEYS.leaveGroup, 3, Buffer.from('leave'));
    await bench.send(API_KEYS.fetch, 11, Buffer.from('fetch'));
    expect(bench.sent).toEqual([{ apiKey: API_KEYS.fetch, payload: Buffer.from('fetch') }]);
  });
});
