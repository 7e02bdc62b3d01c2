/** Surveys the cluster for `status`: offsets of every partition, and what the group has committed. */
import type { PartitionSurvey, SourceSurveyor, TopicSurvey } from '../survey.ts';
import { Brokers } from './brokers.ts';
import { kafkaConfig } from './client/clientConfig.ts';
import { KAFKA_CODE } from './errors.ts';
import type { TopicMetadata } from './wire/metadata.ts';
import { groupOffsets, listOffsets } from './log/offsets.ts';
import { KnownTopics } from './knownTopics.ts';
import { DEFAULT_TUNING, type KafkaSourceOptions } from './options.ts';
import { askUntil } from './questions.ts';
import { Waits } from './waits.ts';

/** How long answers are retried; the caller gives up a little later. */
const PATIENCE_MS = 4_000;

export function createKafkaSurveyor(options: KafkaSourceOptions): SourceSurveyor {
  const { brokers: addresses, clock, groupId } = options;
  const config = kafkaConfig(options, { ...DEFAULT_TUNING, ...options.tuning });
  const brokers = new Brokers(config, addresses);
  const closing = new AbortController();
  const waits = new Waits(options.log, null);
  const known = new KnownTopics(options.topics);
  const survey = async (others: readonly string[]): Promise<readonly TopicSurvey[]> => {
    await known.refresh(brokers);
    const names = [...new Set([...known.list(), ...others])];
    const { topics } = await brokers.metadata(names);
    const found = new Map(topics.map((topic) => [topic.topic, topic]));
    return Promise.all(names.map((name) => surveyTopic(brokers, groupId, name, found.get(name))));
  };
  return {
    survey: (others) => {
      const asking = { clock, signal: closing.signal, addresses, waits };
      return askUntil(
        asking,
        'offsets',
        PATIENCE_MS,
        () => survey(others),
        () => brokers.forgetCoordinator(groupId),
      );
    },
    close: async () => {
      closing.abort();
      await brokers.close();
    },
  };
}

async function surveyTopic(
  brokers: Brokers,
  groupId: string,
  topic: string,
  found: TopicMetadata | undefined,
): Promise<TopicSurvey> {
  const missing: readonly number[] = [KAFKA_CODE.unknownTopicOrPartition, KAFKA_CODE.invalidTopic];
  if (found === undefined || missing.includes(found.errorCode)) return { topic, partitions: null };
  if (found.errorCode !== KAFKA_CODE.none)
    throw new Error(`the brokers answer error ${found.errorCode} for topic ${topic}`);
  const { partitions } = found;
  const numbers = partitions.map(({ partition }) => partition);
  const [starts, ends, marks, committed] = await Promise.all([
    listOffsets(brokers, topic, partitions, 'earliest'),
    listOffsets(brokers, topic, partitions, 'latest'),
    listOffsets(brokers, topic, partitions, 'highWatermark'),
    groupOffsets(brokers, groupId, topic, numbers),
  ]);
  return {
    topic,
    partitions: partitions.map((_, index): PartitionSurvey => {
      const [startOffset = 0n, endOffset = startOffset] = [starts[index], ends[index]];
      const group = committed[index];
      return {
        startOffset,
        endOffset,
        highWatermark: marks[index] ?? endOffset,
        group:
          group === undefined || group.offset < 0n
            ? null
            : { offset: group.offset, metadata: group.metadata ?? '' },
      };
    }),
  };
}
