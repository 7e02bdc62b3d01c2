/** Kafka's DescribeConfigs request for one key of a topic, version 1: the oldest that Kafka 4 still knows. */
import { API_KEYS } from '../client/client.ts';
import type { ProtocolRequest } from '../client/types.ts';
import { requestOf } from './request.ts';
import { WireReader, WireWriter } from './wireTypes.ts';

export const CONFIGS_VERSION = 1;
const TOPIC = 2;
const NO_SYNONYMS = 0;

export interface TopicConfigAnswer {
  readonly errorCode: number;
  /** Null if the broker does not name the key. */
  readonly value: string | null;
}

export function encodeTopicConfigRequest(topic: string, key: string): Buffer {
  const writer = new WireWriter().int32(1).int8(TOPIC).string(topic);
  return writer.int32(1).string(key).int8(NO_SYNONYMS).toBuffer();
}

export function decodeTopicConfigResponse(
  payload: Buffer,
  key: string,
): TopicConfigAnswer & { readonly clientSideThrottleTime: number } {
  const reader = new WireReader(payload);
  const clientSideThrottleTime = reader.int32();
  const [answer] = reader.array(() => {
    const errorCode = reader.int16();
    reader.string(); // error message
    reader.int8(); // type of resource
    reader.string(); // its name
    const entries = reader.array(() => decodeEntry(reader));
    return { errorCode, value: entries.find(({ name }) => name === key)?.value ?? null };
  });
  if (answer === undefined) throw new Error('the broker answers for no topic');
  return { clientSideThrottleTime, ...answer };
}

export function decodeEntry(reader: WireReader): {
  readonly name: string | null;
  readonly value: string | null;
} {
  const entry = { name: reader.string(), value: reader.string() };
  reader.int8(); // is read-only
  reader.int8(); // source
  reader.int8(); // is sensitive
  reader.array(() => {
    reader.string(); // name of a synonym
    reader.string(); // its value
    reader.int8(); // its source
  });
  return entry;
}

export function topicConfigRequest(topic: string, key: string): ProtocolRequest<TopicConfigAnswer> {
  const api = { apiKey: API_KEYS.describeConfigs, apiVersion: CONFIGS_VERSION, apiName: 'DescribeConfigs' };
  return requestOf(
    api,
    () => encodeTopicConfigRequest(topic, key),
    (payload) => decodeTopicConfigResponse(payload, key),
  );
}
