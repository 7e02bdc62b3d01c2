/**
 * What the tests do to Kafka: topics with their own configuration, records at chosen offsets, transactions.
 */
import { CompressionTypes, Kafka, logLevel, type Admin, type Message, type Producer } from 'kafkajs';

export const client = (brokers: readonly string[]): Kafka =>
  new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, maxRetryTime: 1_000 },
  });

export async function withAdmin<T>(
  brokers: readonly string[],
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export async function withProducer<T>(
  brokers: readonly string[],
  work: (producer: Producer) => Promise<T>,
  options: Parameters<Kafka['producer']>[0] = { idempotent: true, maxInFlightRequests: 1 },
): Promise<T> {
  const producer = client(brokers).producer(options);
  await producer.connect();
  try {
    return await work(producer);
  } finally {
    await producer.disconnect();
  }
}

export async function makeTopic(
  brokers: readonly string[],
  topic: string,
  { partitions = 1, config = {} }: { partitions?: number; config?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await withAdmin(brokers, async (admin) => {
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, configEntries }],
      waitForLeaders: true,
    });
  });
}

/** `<partition>:<number>` from `from` up to but not including `to`. */
export function numbers(partition: number, from: number, to: number): Message[] {
  return Array.from({ length: to - from }, (_, index) => ({
    partition,
    value: `${partition}:${from + index}`,
  }));
}

export const lines = (partition: number, from: number, to: number): string[] =>
  numbers(partition, from, to).map(({ value }) => String(value));

/** Acknowledged by every replica when it resolves. */
export async function produce(brokers: readonly string[], topic: string, messages: Message[]): Promise<void> {
  await withProducer(brokers, async (producer) => {
    await producer.send({ topic, messages, acks: -1, compression: CompressionTypes.None });
  });
}

/** To partition 0, whatever the series: it tells apart values that get the same offsets. */
export async function produceSeries(
  brokers: readonly string[],
  topic: string,
  ...[series, from, to]: Parameters<typeof numbers>
): Promise<void> {
  const messages = numbers(series, from, to).map((message) => ({ ...message, partition: 0 }));
  await produce(brokers, topic, messages);
}

/** One transaction; its records are visible only where it is committed. */
export async function transact(
  brokers: readonly string[],
  topic: string,
  messages: Message[],
  end: 'commit' | 'abort',
): Promise<void> {
  await withProducer(
    brokers,
    async (producer) => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages });
      await transaction[end]();
    },
    { idempotent: true, maxInFlightRequests: 1, transactionalId: `${topic}-${end}` },
  );
}
