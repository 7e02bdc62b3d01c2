/**
 * Kafka's Metadata request, version 10: the first with topic ids (Kafka 2.8). kafkajs ends at version 6, so
 * the request is written here. It names missing topics instead of creating them, and reports an error per
 * topic instead of failing completely.
 */
import { API_KEYS } from '../client/client.ts';
import type { ProtocolRequest } from '../client/types.ts';
import { requestOf } from './request.ts';
import { WireReader, WireWriter } from './wireTypes.ts';

export const METADATA_VERSION = 10;
const NO_TOPIC_ID = '0'.repeat(32);

export interface PartitionLeader {
  readonly partition: number;
  readonly errorCode: number;
  /** Node id; -1 while there is none. */
  readonly leader: number;
  /** Increases with each election of the partition; -1 if the broker does not know it. */
  readonly leaderEpoch: number;
  /** How many brokers hold the partition, and how many of them have all of it. */
  readonly replicas?: number;
  readonly inSync?: number;
}

export interface TopicMetadata {
  readonly topic: string;
  /** 0, or Kafka's code: 3 unknown topic, 5 no leader yet, 17 invalid name, 29 not authorized. */
  readonly errorCode: number;
  readonly topicId: string | null;
  /** By partition number. */
  readonly partitions: readonly PartitionLeader[];
}

export interface ClusterMetadata {
  readonly clusterId: string | null;
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly TopicMetadata[];
}

/**
 * The payload after a classic request header. It begins with the tag section that ends a flexible header.
 * @param topics null: all that the client may see.
 */
export function encodeMetadataRequest(topics: readonly string[] | null): Buffer {
  const writer = new WireWriter().noTags().unsignedVarint(topics === null ? 0 : topics.length + 1);
  for (const topic of topics ?? []) writer.raw(Buffer.alloc(16)).compactString(topic).noTags();
  const [noAutoCreation, noClusterOperations, noTopicOperations] = [0, 0, 0];
  return writer.int8(noAutoCreation).int8(noClusterOperations).int8(noTopicOperations).noTags().toBuffer();
}

export function decodeMetadataResponse(
  payload: Buffer,
): ClusterMetadata & { readonly clientSideThrottleTime: number } {
  const reader = new WireReader(payload);
  reader.skipTags(); // the end of the flexible response header
  const clientSideThrottleTime = reader.int32();
  const brokers = reader.compactArray(() => {
    const broker = { nodeId: reader.int32(), host: reader.compactString() ?? '', port: reader.int32() };
    reader.compactString(); // rack
    reader.skipTags();
    return broker;
  });
  const clusterId = reader.compactString();
  reader.int32(); // controller
  const topics = reader.compactArray(() => decodeTopic(reader));
  return { clusterId, brokers, topics, clientSideThrottleTime };
}

function decodeTopic(reader: WireReader): TopicMetadata {
  const errorCode = reader.int16();
  const topic = reader.compactString() ?? '';
  const id = reader.uuid();
  reader.int8(); // internal
  const partitions = reader.compactArray(() => {
    const [errorCode, partition] = [reader.int16(), reader.int32()];
    const [leader, leaderEpoch] = [reader.int32(), reader.int32()];
    const [replicas, inSync] = [nodesIn(reader), nodesIn(reader)];
    nodesIn(reader); // offline
    reader.skipTags();
    return { errorCode, partition, leader, leaderEpoch, replicas, inSync };
  });
  reader.int32(); // authorized operations
  reader.skipTags();
  partitions.sort((a, b) => a.partition - b.partition);
  return { topic, errorCode, topicId: id === NO_TOPIC_ID ? null : id, partitions };
}

function nodesIn(reader: WireReader): number {
  return reader.compactArray(() => reader.int32()).length;
}

export function metadataRequest(topics: readonly string[] | null): ProtocolRequest<ClusterMetadata> {
  const api = { apiKey: API_KEYS.metadata, apiVersion: METADATA_VERSION, apiName: 'Metadata' };
  return requestOf(
    api,
    () => encodeMetadataRequest(topics),
    (payload) => decodeMetadataResponse(payload),
  );
}
