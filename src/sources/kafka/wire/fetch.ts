/**
 * Kafka's Fetch request, version 11. It leaves the record batches as the received bytes. kafkajs's own
 * decoder makes an object per record, loses the end of a batch whose last records were compacted away, and
 * filters aborted records wrongly if a fetch begins inside two aborted transactions.
 */
import { API_KEYS } from '../client/client.ts';
import type { ProtocolRequest } from '../client/types.ts';
import { requestOf } from './request.ts';
import { WireReader, WireWriter } from './wireTypes.ts';

export const FETCH_VERSION = 11;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;

export interface FetchPartition {
  readonly topic: string;
  readonly partition: number;
  /** The epoch that the client knows, -1 if none. A broker in another epoch refuses with error 74 or 75. */
  readonly leaderEpoch: number;
  readonly fetchOffset: bigint;
  readonly bytesMax: number;
}

export interface FetchRequest {
  readonly waitMs: number;
  readonly bytesMax: number;
  readonly partitions: readonly FetchPartition[];
  /** Includes records of open and aborted transactions. */
  readonly isUncommitted?: boolean;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Consecutive record batches; the last may be cut off. */
  readonly records: Buffer;
}

export interface FetchResponse {
  readonly errorCode: number;
  /** The buffer that `records` is a slice of. */
  readonly frame: Buffer;
  readonly partitions: readonly FetchedPartition[];
}

function encodeFetchRequest({ waitMs, bytesMax, partitions, isUncommitted = false }: FetchRequest): Buffer {
  const [consumer, bytesMin, noSession, noSessionEpoch, noLogStart] = [-1, 1, 0, -1, -1n] as const;
  const writer = new WireWriter().int32(consumer).int32(waitMs).int32(bytesMin).int32(bytesMax);
  writer
    .int8(isUncommitted ? READ_UNCOMMITTED : READ_COMMITTED)
    .int32(noSession)
    .int32(noSessionEpoch);
  // One topic entry per partition: the broker fills the answer in this order, and the caller rotates it.
  writer.int32(partitions.length);
  for (const { topic, partition, leaderEpoch, fetchOffset, bytesMax: partitionBytesMax } of partitions) {
    writer.string(topic).int32(1).int32(partition).int32(leaderEpoch);
    writer.int64(fetchOffset).int64(noLogStart).int32(partitionBytesMax);
  }
  const noForgottenTopics = 0;
  return writer.int32(noForgottenTopics).string('').toBuffer();
}

function decodeFetchResponse(payload: Buffer): FetchResponse & { readonly clientSideThrottleTime: number } {
  const reader = new WireReader(payload);
  const clientSideThrottleTime = reader.int32();
  const errorCode = reader.int16();
  reader.int32(); // session
  const topics = reader.array(() => {
    const topic = reader.string() ?? '';
    return reader.array(() => decodePartition(reader, topic));
  });
  return { clientSideThrottleTime, errorCode, frame: payload, partitions: topics.flat() };
}

function decodePartition(reader: WireReader, topic: string): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  reader.int64(); // high watermark
  const lastStableOffset = reader.int64();
  const logStartOffset = reader.int64();
  const abortedTransactions = reader.array(() => ({
    producerId: reader.int64(),
    firstOffset: reader.int64(),
  }));
  reader.int32(); // preferred read replica
  const records = reader.bytesField() ?? Buffer.alloc(0);
  return { topic, partition, errorCode, lastStableOffset, logStartOffset, abortedTransactions, records };
}

export function fetchRequest(request: FetchRequest): ProtocolRequest<FetchResponse> {
  const api = { apiKey: API_KEYS.fetch, apiVersion: FETCH_VERSION, apiName: 'Fetch' };
  return requestOf(
    api,
    () => encodeFetchRequest(request),
    (payload) => decodeFetchResponse(payload),
  );
}
