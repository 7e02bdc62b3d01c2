/** Numbered records, produced while a test runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, type Producer } from 'kafkajs';

const PARTITIONS = 4;
const RECORDS_PER_SEND = 40;

export async function createTopic(brokers: string[], topic: string, partitions = PARTITIONS): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
  await admin.disconnect();
}

/** Produces `<partition>:<number>` to every partition, one batch after the other, until it is stopped. */
export class NumberProducer {
  /** How many records each partition has been acknowledged, by partition. */
  readonly sent: number[];
  readonly #topic: string;
  readonly #producer: Producer;
  readonly #pauseMs: number;
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(brokers: string[], topic: string, options: { pauseMs: number; partitions?: number }) {
    const kafka = new Kafka({
      brokers,
      logLevel: logLevel.NOTHING,
      retry: { retries: 100, maxRetryTime: 1_000 },
    });
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    this.#topic = topic;
    this.#pauseMs = options.pauseMs;
    this.sent = Array.from({ length: options.partitions ?? PARTITIONS }, () => 0);
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    this.#done = this.#produce();
  }

  async #produce(): Promise<void> {
    while (!this.#stopping) {
      const messages = this.sent.flatMap((count, partition) =>
        Array.from({ length: RECORDS_PER_SEND }, (_, index) => ({
          partition,
          value: `${partition}:${count + index}`,
        })),
      );
      await this.#producer.send({ topic: this.#topic, messages });
      this.sent.forEach((count, partition) => (this.sent[partition] = count + RECORDS_PER_SEND));
      await delay(this.#pauseMs);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
    await this.#producer.disconnect();
  }
}
