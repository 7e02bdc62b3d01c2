/**
 * Kafka's OffsetForLeaderEpoch request, version 3 (Kafka 2.3). It returns the offset up to which the leader's
 * log holds batches of a leader epoch, or of the latest one before it. It reports the end of the log itself,
 * not the high watermark, which lags after an election.
 */
import { API_KEYS } from '../client/client.ts';
import type { ProtocolRequest } from '../client/types.ts';
import { requestOf } from './request.ts';
import { WireReader, WireWriter } from './wireTypes.ts';

export const EPOCH_END_VERSION = 3;
const CONSUMER = -1;
/** As current leader epoch: the leader answers whatever its epoch is. */
export const ANY_LEADER_EPOCH = -1;

export interface EpochQuestion {
  readonly topic: string;
  readonly partition: number;
  /** The epoch of the leader that is asked. A leader in another epoch answers with error 74 or 75. */
  readonly currentLeaderEpoch: number;
  /** The epoch whose end is wanted. */
  readonly leaderEpoch: number;
}

export interface EpochEnd {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /**
   * The wanted epoch or the latest one before it in the log. -1 if the log has no epochs, or none so late.
   */
  readonly leaderEpoch: number;
  /** Where its batches end; -1 if it is not known. */
  readonly endOffset: bigint;
}

export function encodeEpochEndRequest(questions: readonly EpochQuestion[]): Buffer {
  const writer = new WireWriter().int32(CONSUMER).int32(questions.length);
  for (const { topic, partition, currentLeaderEpoch, leaderEpoch } of questions)
    writer.string(topic).int32(1).int32(partition).int32(currentLeaderEpoch).int32(leaderEpoch);
  return writer.toBuffer();
}

export function decodeEpochEndResponse(payload: Buffer): {
  readonly clientSideThrottleTime: number;
  readonly ends: readonly EpochEnd[];
} {
  const reader = new WireReader(payload);
  const clientSideThrottleTime = reader.int32();
  const topics = reader.array(() => {
    const topic = reader.string() ?? '';
    return reader.array(() => ({
      topic,
      errorCode: reader.int16(),
      partition: reader.int32(),
      leaderEpoch: reader.int32(),
      endOffset: reader.int64(),
    }));
  });
  return { clientSideThrottleTime, ends: topics.flat() };
}

export function epochEndRequest(
  questions: readonly EpochQuestion[],
): ProtocolRequest<{ readonly ends: readonly EpochEnd[] }> {
  const api = {
    apiKey: API_KEYS.offsetForLeaderEpoch,
    apiVersion: EPOCH_END_VERSION,
    apiName: 'OffsetForLeaderEpoch',
  };
  return requestOf(
    api,
    () => encodeEpochEndRequest(questions),
    (payload) => decodeEpochEndResponse(payload),
  );
}
