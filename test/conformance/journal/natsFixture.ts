/** What the tests of the JetStream journal do to its server from outside. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { openJetstreamJournal, type JetstreamJournalOptions } from '../../../journal/jetstream/journal.ts';
import type { Subject } from '../../../journal/ids.ts';
import type { Journal } from '../../../journal/port.ts';
import { startNats, type OwnNats, type OwnNatsOptions } from '../../services/servers.ts';

export const STREAM = 'TIDEMARK';
/** More at once could outlive the time-out of a request on a busy machine. */
const PUBLISHED_AT_ONCE = 1_000;

/** A server of a test's own, the journals opened on it and what they warned of. */
export class NatsFixture implements AsyncDisposable {
  readonly nats: OwnNats;
  readonly warnings: string[] = [];
  readonly #opened: Journal[] = [];

  private constructor(nats: OwnNats) {
    this.nats = nats;
  }

  static async start(options: OwnNatsOptions = {}): Promise<NatsFixture> {
    return new NatsFixture(await startNats(options));
  }

  async open(options: Partial<JetstreamJournalOptions> = {}): Promise<Journal> {
    const journal = await openJetstreamJournal({
      ...{ servers: [this.nats.url], stream: STREAM, replicas: 1, mode: 'create', waitForServerMs: 10_000 },
      onWarning: (message) => void this.warnings.push(message),
      ...options,
    });
    this.#opened.push(journal);
    return journal;
  }

  /** As an operator with the NATS tools. */
  async administer<T>(work: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: this.nats.url });
    try {
      return await work(await jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  }

  /** Messages of about 900 bytes until the server takes no more, or that many. */
  async fill(subject: string, messages: number): Promise<void> {
    const connection = await connect({ servers: this.nats.url });
    try {
      for (let count = 0; count < messages; count += 1)
        await connection.request(subject, new Uint8Array(900));
    } finally {
      await connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#opened) await journal.close();
    await this.nats.stop();
  }
}

/** Stores entries as they are. The server keeps the order of what one connection publishes. */
export async function storeAtOnce(
  journal: Journal,
  subject: Subject,
  entries: readonly Uint8Array[],
): Promise<void> {
  for (let at = 0; at < entries.length; at += PUBLISHED_AT_ONCE) {
    const some = entries.slice(at, at + PUBLISHED_AT_ONCE);
    await Promise.all(some.map((bytes) => journal.fileRequest(subject, bytes)));
  }
}
