/**
 * Snapshots of a journal on JetStream: a stream of their own beside that of the entries, which keeps everything. It forgets all but
 * the newest of a subject, is made when the first one is written, and may be deleted at any time: replays are longer then.
 */
import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { TidemarkError } from './errors.ts';
import type { JournalId, Subject } from './ids.ts';
import type { NatsLink } from './jetstreamConnection.ts';
import { classifyPublishError, isNoResponders } from './jetstreamOutcome.ts';
import { isStreamGone } from './jetstreamStream.ts';
import { SNAPSHOTS_KEPT } from './port.ts';

/** What a message needs beside the snapshot: its subject and headers, and what the server adds in its answer. */
const OVERHEAD_BYTES = 4_096;

export interface SnapshotPlace {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
  /** Of the entries. */
  readonly stream: string;
  readonly replicas: number;
  readonly journalId: JournalId;
  readonly timeoutMs: number;
}

export class JetstreamSnapshots {
  readonly #place: SnapshotPlace;
  readonly #stream: string;
  readonly #prefix: string;

  constructor(place: SnapshotPlace) {
    this.#place = place;
    this.#stream = `${place.stream}_SNAPSHOTS`;
    // A journal that is made anew under the same name finds none of the old one's.
    this.#prefix = `${this.#stream}.${place.journalId}.`;
  }

  async write(subject: Subject, bytes: Uint8Array): Promise<void> {
    const { link } = this.#place;
    const bytesMax = link.payloadBytesMax - OVERHEAD_BYTES;
    if (bytes.byteLength > bytesMax) {
      throw new TidemarkError(
        'JOURNAL_ENTRY_TOO_LARGE',
        `A snapshot of ${bytes.byteLength} bytes is over the limit of ${bytesMax} of the NATS server: replays are longer. ` +
          'Raise max_payload.',
        { fields: { bytes: bytes.byteLength, bytesMax } },
      );
    }
    if (!link.isUp) throw link.unavailable('is not connected');
    try {
      await this.#publishOrCreate(subject, bytes);
    } catch (error) {
      throw link.unavailable(`did not take a snapshot of ${subject}: the next replay is longer`, error);
    }
  }

  /** Newest first; the older one is asked for only where somebody wants it. */
  async *read(subject: Subject): AsyncGenerator<Uint8Array> {
    const name = `${this.#prefix}${subject}`;
    const newest = await this.#get({ last_by_subj: name });
    if (newest === null) return;
    yield newest.data;
    const older = await this.#get({ seq: 1, next_by_subj: name });
    if (older !== null && older.seq < newest.seq) yield older.data;
  }

  async #publishOrCreate(subject: Subject, bytes: Uint8Array): Promise<void> {
    try {
      await this.#publish(subject, bytes);
    } catch (error) {
      if (classifyPublishError(error).type !== 'noStream') throw error;
      await this.#create();
      await this.#publish(subject, bytes);
    }
  }

  async #publish(subject: Subject, bytes: Uint8Array): Promise<void> {
    const { link, js, timeoutMs } = this.#place;
    const expect = { streamName: this.#stream };
    await link.during(js.publish(`${this.#prefix}${subject}`, bytes, { expect, timeout: timeoutMs }));
  }

  async #create(): Promise<void> {
    const { link, jsm, replicas } = this.#place;
    await link.during(
      jsm.streams.add({
        name: this.#stream,
        description: 'Snapshots of the journal of Tidemark. Without them a start replays the whole journal.',
        subjects: [`${this.#stream}.>`],
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        discard: DiscardPolicy.Old,
        max_msgs_per_subject: SNAPSHOTS_KEPT,
        num_replicas: replicas,
        // Stale answers do no harm, and the ordinary way would blow up each snapshot by a third.
        allow_direct: true,
      }),
    );
  }

  async #get(query: Parameters<JetStreamManager['direct']['getMessage']>[1]) {
    const { link, jsm } = this.#place;
    try {
      return await link.during(jsm.direct.getMessage(this.#stream, query));
    } catch (error) {
      if (isNoResponders(error) || isStreamGone(error)) return null;
      throw link.unavailable('did not give its snapshots', error);
    }
  }
}
