/** Kafka's DescribeConfigs request for some keys of many topics, or of a broker. */
import { API_KEYS } from '../client/client.ts';
import type { ProtocolRequest } from '../client/types.ts';
import { CONFIGS_VERSION, decodeEntry } from './topicConfig.ts';
import { requestOf } from './request.ts';
import { WireReader, WireWriter } from './wireTypes.ts';

const TYPES = { topic: 2, broker: 4 } as const;
const NO_SYNONYMS = 0;

export interface ConfigsAnswer {
  /** Of the topic, or of the broker's node id. */
  readonly name: string;
  /** 0, or Kafka's code: 29 or 31 where it is not authorized. */
  readonly errorCode: number;
  /** By key; a key that the broker does not know, or does not tell, is not there. */
  readonly values: ReadonlyMap<string, string>;
}

export function encodeConfigsRequest(
  type: keyof typeof TYPES,
  names: readonly string[],
  keys: readonly string[],
): Buffer {
  const writer = new WireWriter().int32(names.length);
  for (const name of names) {
    writer.int8(TYPES[type]).string(name).int32(keys.length);
    for (const key of keys) writer.string(key);
  }
  return writer.int8(NO_SYNONYMS).toBuffer();
}

interface Configs {
  readonly answers: readonly ConfigsAnswer[];
}

export function decodeConfigsResponse(
  payload: Buffer,
): Configs & { readonly clientSideThrottleTime: number } {
  const reader = new WireReader(payload);
  const clientSideThrottleTime = reader.int32();
  const answers = reader.array(() => {
    const errorCode = reader.int16();
    reader.string(); // error message
    reader.int8(); // type of resource
    const name = reader.string() ?? '';
    const entries = reader.array(() => decodeEntry(reader));
    const values = entries.flatMap(({ name: key, value }) =>
      key === null || value === null ? [] : [[key, value] as const],
    );
    return { name, errorCode, values: new Map(values) };
  });
  return { clientSideThrottleTime, answers };
}

export function configsRequest(...asked: Parameters<typeof encodeConfigsRequest>): ProtocolRequest<Configs> {
  const api = { apiKey: API_KEYS.describeConfigs, apiVersion: CONFIGS_VERSION, apiName: 'DescribeConfigs' };
  return requestOf(
    api,
    () => encodeConfigsRequest(...asked),
    (payload) => decodeConfigsResponse(payload),
  );
}
