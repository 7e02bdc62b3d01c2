/**
 * A process with a Kafka source: `node kafkaMember.ts '{"brokers", "topic", "groupId", "stateDir", "mode"}'`.
 * In mode "hang" it is a member of the group until it is killed; in mode "stop" it uses everything, stops the
 * source, and ends by itself.
 */
import { systemClock } from '../../src/system/clock.ts';
import { createKafkaSource } from '../../src/sources/kafka/source.ts';
import type { KafkaTuning } from '../../src/sources/kafka/options.ts';

const { brokers, topic, groupId, instanceId, stateDir, mode, tuning } = JSON.parse(
  process.argv[2] ?? '{}',
) as {
  brokers: string[];
  topic: string;
  groupId: string;
  instanceId?: string;
  stateDir: string;
  mode: 'hang' | 'stop';
  tuning?: Partial<KafkaTuning>;
};
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const source = createKafkaSource({
  brokers,
  topics: [topic],
  groupId,
  instanceId: instanceId ?? null,
  stateDir,
  log,
  clientId: 'member',
  clock: systemClock,
  ...(tuning === undefined ? {} : { tuning }),
});

/** All at once and first of all, so that many questions meet the first connections. */
async function useAll(): Promise<() => Promise<void>> {
  const feeds = [0, 1].map((partition) => source.open({ topic, partition }, 0n, null));
  const ended = feeds.map((feed) => feed.next().catch(quiet));
  await Promise.all([
    source.ranges(topic),
    source.verifyIdentity(topic, null),
    source.readWitness({ topic, partition: 0 }),
  ]);
  return async () => {
    await source.commitOffset({ topic, partition: 0 }, 1n, 'witness');
    await source.stop();
    await Promise.all(ended);
  };
}

const end = mode === 'stop' ? await useAll() : null;
await source.start({
  assigned: (partitions) => console.log(`assigned ${partitions.length}`),
  topicAppeared: quiet,
  failed: (error) => {
    console.error(error);
    process.exit(1);
  },
});
await end?.();
