/** A process that is a member of a group until it is killed: `node kafkaMember.ts '{"brokers", "topic", "groupId", "stateDir"}'`. */
import { systemClock } from '../../src/clock.ts';
import { createKafkaSource } from '../../src/kafka/kafkaSource.ts';

const { brokers, topic, groupId, stateDir } = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[];
  topic: string;
  groupId: string;
  stateDir: string;
};
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const source = createKafkaSource({
  brokers,
  topics: [topic],
  groupId,
  stateDir,
  log,
  clientId: 'member',
  clock: systemClock,
});
await source.start({
  assigned: (partitions) => console.log(`assigned ${partitions.length}`),
  topicAppeared: quiet,
  failed: (error) => {
    console.error(error);
    process.exit(1);
  },
});
