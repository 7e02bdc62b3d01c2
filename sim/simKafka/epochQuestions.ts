/** How the brokers of the world answer the questions of the real log check. */
import type { LogCheckContext } from '../../src/sources/kafka/log/check.ts';
import type { EpochEnd, EpochQuestion } from '../../src/sources/kafka/wire/epochEnd.ts';
import { KAFKA_CODE } from '../../src/sources/kafka/errors.ts';
import type { PartitionLeader } from '../../src/sources/kafka/wire/metadata.ts';
import type { SimTopics } from './topics.ts';
import type { PartitionLog } from './partitionLog.ts';

/** The world has one broker, and its connection is never replaced. */
export const NODE = 1;
const CONNECTS = 0;

export function leaderOf(partition: number, leaderEpoch: number): PartitionLeader {
  return { partition, errorCode: KAFKA_CODE.none, leader: NODE, leaderEpoch };
}

export interface LogsOfTopics {
  readonly clusterId: string;
  readonly topics: SimTopics;
  readonly nowMs: number;
  readonly idOf: (topic: string) => string;
  readonly log: (partition: number) => PartitionLog;
}

/** `ask` delivers a question and returns its answer. */
export function epochBrokers(
  logs: LogsOfTopics,
  ask: <T>(question: () => T) => Promise<T>,
): LogCheckContext['brokers'] {
  return {
    metadata: (names) =>
      ask(() => {
        const { clusterId, topics, idOf, log } = logs;
        const leaders = Array.from({ length: topics.partitions }, (_, partition) =>
          leaderOf(partition, log(partition).epochs.latest),
        );
        const described = names.filter((topic) => topics.exists(topic));
        return {
          ...{ clusterId, brokers: [] },
          topics: described.map((topic) => ({
            ...{ topic, topicId: idOf(topic), errorCode: KAFKA_CODE.none, partitions: leaders },
          })),
        };
      }),
    epochEnds: (_nodeId, questions) =>
      questions.length === 0 ? Promise.resolve([]) : ask(() => questions.map((one) => answer(logs, one))),
    fetchConnects: () => CONNECTS,
  };
}

function answer({ log: logOf, nowMs }: LogsOfTopics, question: EpochQuestion): EpochEnd {
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
