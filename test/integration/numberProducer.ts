/** Numbered records, produced while a test runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, type Message, type Producer } from 'kafkajs';

const PARTITIONS = 4;
const RECORDS_PER_SEND = 40;

export async function createTopic(brokers: string[], topic: string, partitions = PARTITIONS): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
  await admin.disconnect();
}

export interface NumberProducerOptions {
  readonly pauseMs: number;
  readonly partitions?: number;
  /**
   * Every partition for itself. A must where leaders change: of a send to several partitions kafkajs forgets
   * those whose new leader had already answered for others.
   */
  readonly isSplit?: boolean;
}

/** Produces `<partition>:<number>` to every partition, one batch after the other, until it is stopped. */
export class NumberProducer {
  /** How many records each partition has been acknowledged, by partition. */
  readonly sent: number[];
  readonly #topic: string;
  readonly #producer: Producer;
  readonly #pauseMs: number;
  readonly #isSplit: boolean;
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(brokers: string[], topic: string, options: NumberProducerOptions) {
    const kafka = new Kafka({
      brokers,
      logLevel: logLevel.NOTHING,
      retry: { retries: 100, maxRetryTime: 1_000 },
    });
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    this.#topic = topic;
    this.#pauseMs = options.pauseMs;
    this.#isSplit = options.isSplit ?? false;
    this.sent = Array.from({ length: options.partitions ?? PARTITIONS }, () => 0);
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    const all = [...this.sent.keys()];
    const series = this.#isSplit ? all.map((partition) => [partition]) : [all];
    this.#done = Promise.all(series.map((partitions) => this.#produce(partitions))).then(() => undefined);
  }

  async #produce(partitions: readonly number[]): Promise<void> {
    while (!this.#stopping) {
      const messages = partitions.flatMap((partition) =>
        Array.from({ length: RECORDS_PER_SEND }, (_, index) => ({
          partition,
          value: `${partition}:${(this.sent[partition] ?? 0) + index}`,
        })),
      );
      await this.#send(messages);
      for (const partition of partitions)
        this.sent[partition] = (this.sent[partition] ?? 0) + RECORDS_PER_SEND;
      await delay(this.#pauseMs);
    }
  }

  /**
   * kafkajs gives up if the broker that it asks for metadata is disconnected at that moment. Nothing was sent
   * then: it is sent again.
   */
  async #send(messages: Message[]): Promise<void> {
    for (;;) {
      try {
        await this.#producer.send({ topic: this.#topic, messages });
        return;
      } catch (error) {
        if (!(error instanceof Error) || error.message !== 'Broker not connected') throw error;
        await delay(this.#pauseMs);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
    await this.#producer.disconnect();
  }
}
