import { describe, expect, test } from 'vitest';
import {
  decodeMetadataResponse,
  encodeMetadataRequest,
} from '../../../../../src/sources/kafka/wire/metadata.ts';
import { WireReader, WireWriter } from '../../../../../src/sources/kafka/wire/wireTypes.ts';

describe('the Metadata request with topic ids', () => {
  test('names the topics, asks for no creation, and ends the flexible header first', () => {
    const reader = new WireReader(encodeMetadataRequest(['orders', 'clicks']));
    reader.skipTags(); // request header version 2
    const names = reader.compactArray(() => {
      expect(reader.uuid()).toBe('0'.repeat(32));
      const name = reader.compactString();
      reader.skipTags();
      return name;
    });
    expect(names).toEqual(['orders', 'clicks']);
    expect([reader.int8(), reader.int8(), reader.int8()]).toEqual([0, 0, 0]);
    reader.skipTags();
    expect(() => reader.int8()).toThrow();
  });

  test('asks for every topic where none is named, and for none where the list is empty', () => {
    const lengths = ([null, []] as const).map((topics) => {
      const reader = new WireReader(encodeMetadataRequest(topics));
      reader.skipTags();
      return reader.unsignedVarint();
    });
    // A compact array has its length and one; 0 is null.
    expect(lengths).toEqual([0, 1]);
  });

  test('reads brokers, cluster id, topic ids, leaders and errors, and passes over unknown tags', () => {
    const writer = new WireWriter().noTags().int32(0);
    const tagged = (): void =>
      void writer.unsignedVarint(1).unsignedVarint(9).unsignedVarint(3).raw(Buffer.from('xyz'));
    writer.unsignedVarint(2).int32(4).compactString('broker.example').int32(9092).unsignedVarint(0);
    tagged();
    writer.compactString('cluster-1').int32(4);
    writer.unsignedVarint(3);
    writer
      .int16(0)
      .compactString('orders')
      .raw(Buffer.from('00112233445566778899aabbccddeeff', 'hex'))
      .int8(0);
    writer.unsignedVarint(3);
    for (const [partition, leader] of [
      [1, -1],
      [0, 4],
    ] as const) {
      writer
        .int16(leader < 0 ? 5 : 0)
        .int32(partition)
        .int32(leader)
        .int32(7);
      writer.unsignedVarint(3).int32(4).int32(5).unsignedVarint(2).int32(4).unsignedVarint(1);
      tagged();
    }
    writer.int32(0).noTags();
    writer
      .int16(3)
      .compactString('missing')
      .raw(Buffer.alloc(16))
      .int8(0)
      .unsignedVarint(1)
      .int32(0)
      .noTags();
    writer.int32(0).noTags();
    expect(decodeMetadataResponse(writer.toBuffer())).toEqual({
      clientSideThrottleTime: 0,
      clusterId: 'cluster-1',
      brokers: [{ nodeId: 4, host: 'broker.example', port: 9092 }],
      topics: [
        {
          topic: 'orders',
          errorCode: 0,
          topicId: '00112233445566778899aabbccddeeff',
          partitions: [
            { partition: 0, errorCode: 0, leader: 4, leaderEpoch: 7, replicas: 2, inSync: 1 },
            { partition: 1, errorCode: 5, leader: -1, leaderEpoch: 7, replicas: 2, inSync: 1 },
          ],
        },
        { topic: 'missing', errorCode: 3, topicId: null, partitions: [] },
      ],
    });
  });

  test('a response that ends too early is an error', () => {
    expect(() => decodeMetadataResponse(Buffer.from([0, 0, 0, 0, 0, 2]))).toThrow(
      expect.objectContaining({ code: 'SOURCE_UNAVAILABLE' }),
    );
  });
});

test('wire numbers of every size come back as they were written', () => {
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 4_294_967_295]) {
    expect(new WireReader(new WireWriter().unsignedVarint(value).toBuffer()).unsignedVarint()).toBe(value);
  }
  const reader = new WireReader(
    new WireWriter()
      .int64(-(2n ** 63n))
      .int16(-2)
      .string('ä')
      .compactString('')
      .toBuffer(),
  );
  expect([reader.int64(), reader.int16(), reader.string(), reader.compactString()]).toEqual([
    -(2n ** 63n),
    -2,
    'ä',
    '',
  ]);
});
