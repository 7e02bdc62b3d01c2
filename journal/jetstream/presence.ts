/**
 * Presence on NATS: a key-value bucket `<stream>_PRESENCE` beside the journal's stream, whose entries expire.
 * It has its own connection, opened at the first call, so that its failures affect nothing else.
 */
import {
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import type { JobName } from '../ids.ts';
import { connectNats, deadlineIn, type NatsConnectionOptions, type NatsLink } from './connection.ts';
import { classifyPublishError, isNoResponders } from './outcome.ts';
import { isStreamGone } from './stream.ts';
import type { PresenceBoard, PresenceKey, StoredPresence } from '../presence.ts';
import { encodeToken } from '../subjects.ts';

/** How long a coordinator that died is remembered. */
const KEPT_MS = 600_000;
const TIMEOUT_MS = 3_000;
const CONNECT_MS = 5_000;
/** Counted with the payload; contains the stream's name. */
const HEADER_BYTES_MAX = 512;
const NANOS_PER_MS = 1_000_000;

export interface NatsPresenceOptions extends Omit<NatsConnectionOptions, 'waitForServerMs'> {
  /** Of the journal. */
  readonly stream: string;
  readonly replicas: number;
}

export function openNatsPresence(options: NatsPresenceOptions): PresenceBoard {
  return new NatsPresence(options);
}

interface Connected {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
}

class NatsPresence implements PresenceBoard {
  readonly #options: NatsPresenceOptions;
  /** As the key-value stores of NATS name their streams and subjects. */
  readonly #stream: string;
  readonly #prefix: string;
  #connecting: Promise<Connected> | null = null;

  constructor(options: NatsPresenceOptions) {
    this.#options = options;
    const bucket = `${options.stream}_PRESENCE`;
    this.#stream = `KV_${bucket}`;
    this.#prefix = `$KV.${bucket}.`;
  }

  async bytesMax(): Promise<number> {
    const { link } = await this.#connected();
    return link.payloadBytesMax - HEADER_BYTES_MAX;
  }

  async keep(key: PresenceKey, bytes: Uint8Array): Promise<void> {
    const { link, js, jsm } = await this.#connected();
    const publish = () =>
      link.during(
        js.publish(this.#subject(key), bytes, {
          expect: { streamName: this.#stream },
          timeout: TIMEOUT_MS,
        }),
      );
    try {
      await publish();
    } catch (error) {
      if (classifyPublishError(error).type !== 'noStream') throw error;
      await link.during(this.#create(jsm));
      await publish();
    }
  }

  async remove(key: PresenceKey): Promise<void> {
    const { link, jsm } = await this.#connected();
    try {
      await link.during(jsm.streams.purge(this.#stream, { filter: this.#subject(key) }));
    } catch (error) {
      if (!isStreamGone(error)) throw error;
    }
  }

  async read(job: JobName): Promise<readonly StoredPresence[]> {
    const { link, jsm } = await this.#connected();
    const filter = `${this.#prefix}${encodeToken(job)}.>`;
    try {
      const info = await link.during(jsm.streams.info(this.#stream, { subjects_filter: filter }));
      // The server's clock, which also stamped the records.
      const nowMs = serverTimeOf(info) ?? Date.now();
      const found = Object.keys(info.state.subjects ?? {}).map((subject) =>
        link.during(jsm.streams.getMessage(this.#stream, { last_by_subj: subject })),
      );
      return (await Promise.all(found)).flatMap((message) =>
        message === null ? [] : [{ bytes: message.data, ageMs: Math.max(0, nowMs - message.time.getTime()) }],
      );
    } catch (error) {
      if (isStreamGone(error) || isNoResponders(error)) return [];
      throw error;
    }
  }

  async close(): Promise<void> {
    const connecting = this.#connecting;
    this.#connecting = null;
    const connected = await connecting?.catch(() => null);
    await connected?.link.close();
  }

  #subject({ job, coordinatorId }: PresenceKey): string {
    return `${this.#prefix}${encodeToken(job)}.${coordinatorId}`;
  }

  /** The next call retries a failed connection. */
  #connected(): Promise<Connected> {
    const connecting = (this.#connecting ??= this.#connect());
    connecting.catch(() => {
      if (this.#connecting === connecting) this.#connecting = null;
    });
    return connecting;
  }

  async #connect(): Promise<Connected> {
    const link = await connectNats({ ...this.#options, waitForServerMs: CONNECT_MS }, deadlineIn(CONNECT_MS));
    try {
      const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout: TIMEOUT_MS });
      return { link, jsm, js: jetstream(link.nc, { timeout: TIMEOUT_MS }) };
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  async #create(jsm: JetStreamManager): Promise<void> {
    await jsm.streams.add({
      name: this.#stream,
      description: 'What living coordinators of Tidemark say of themselves. May be deleted at any time.',
      subjects: [`${this.#prefix}>`],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_msgs_per_subject: 1,
      max_age: KEPT_MS * NANOS_PER_MS,
      num_replicas: this.#options.replicas,
      allow_rollup_hdrs: true,
      allow_direct: true,
      deny_delete: true,
    });
  }
}

function serverTimeOf(info: object): number | null {
  if (!('ts' in info) || typeof info.ts !== 'string') return null;
  const atMs = Date.parse(info.ts);
  return Number.isNaN(atMs) ? null : atMs;
}
