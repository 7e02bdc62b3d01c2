/** What the brokers of the world answer to the questions of the real check of a log. */
import type { LogCheckContext } from '../../kafka/logCheck.ts';
import type { EpochEnd, EpochQuestion } from '../../kafka/epochProtocol.ts';
import { KAFKA_CODE } from '../../kafka/kafkaErrors.ts';
import type { PartitionLeader } from '../../kafka/metadata.ts';
import type { PartitionLog } from './partitionLog.ts';

/** The world has one broker, and a connection to it is never made anew. */
export const NODE = 1;
const CONNECTS = 0;

export function leaderOf(partition: number, leaderEpoch: number): PartitionLeader {
  return { partition, errorCode: KAFKA_CODE.none, leader: NODE, leaderEpoch };
}

export interface LogsOfTopic {
  readonly clusterId: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly nowMs: number;
  readonly log: (partition: number) => PartitionLog;
}

/** `ask` brings a question there and its answer back. */
export function epochBrokers(
  topic: string,
  logs: () => LogsOfTopic,
  ask: <T>(question: () => T) => Promise<T>,
): LogCheckContext['brokers'] {
  return {
    metadata: () =>
      ask(() => {
        const { clusterId, topicId, partitions, log } = logs();
        const leaders = Array.from({ length: partitions }, (_, partition) =>
          leaderOf(partition, log(partition).epochs.latest),
        );
        return {
          ...{ clusterId, brokers: [] },
          topics: [{ topic, topicId, errorCode: KAFKA_CODE.none, partitions: leaders }],
        };
      }),
    epochEnds: (_nodeId, questions) =>
      questions.length === 0 ? Promise.resolve([]) : ask(() => questions.map((one) => answer(logs(), one))),
    fetchConnects: () => CONNECTS,
  };
}

function answer({ log: logOf, nowMs }: LogsOfTopic, question: EpochQuestion): EpochEnd {
  const { topic, partition, currentLeaderEpoch, leaderEpoch: asked } = question;
  const log = logOf(partition);
  const { latest } = log.epochs;
  const errorCode =
    currentLeaderEpoch < 0 || currentLeaderEpoch === latest
      ? KAFKA_CODE.none
      : currentLeaderEpoch < latest
        ? KAFKA_CODE.fencedLeaderEpoch
        : KAFKA_CODE.unknownLeaderEpoch;
  const { leaderEpoch, endOffset } = log.epochs.endOf(asked, log.endAt(nowMs));
  return { topic, partition, errorCode, leaderEpoch, endOffset: BigInt(endOffset) };
}
