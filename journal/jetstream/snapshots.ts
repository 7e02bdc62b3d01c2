/**
 * Snapshots of a journal on JetStream: a separate stream beside that of the entries, which keeps everything.
 * It keeps only the newest messages of a subject, is created with the first snapshot, and may be deleted at
 * any time; replays then take longer. A snapshot larger than a message is written in pieces. A Tidemark that
 * does not support pieces treats their list as a damaged snapshot.
 */
import { hash } from 'node:crypto';
import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { z } from 'zod';
import type { JournalId, Subject } from '../ids.ts';
import type { NatsLink } from './connection.ts';
import { classifyPublishError, isNoResponders } from './outcome.ts';
import { isStreamGone } from './stream.ts';
import { SNAPSHOTS_KEPT } from '../port.ts';

/**
 * What a message needs besides the snapshot: its subject and headers, and what the server adds in its answer.
 */
const OVERHEAD_BYTES = 4_096;
/** Marks a message that lists the pieces of a snapshot. */
const PIECES_HEADER = 'Tidemark-Pieces';

/** The pieces of a snapshot larger than a message, under other names of the stream, in one of two slots. */
const listSchema = z.object({
  slot: z.union([z.literal(0), z.literal(1)]),
  bytes: z.number().int().positive(),
  /** Of all pieces. */
  sha256: z.string(),
  /** Sequences of their messages, in order. */
  sequences: z.array(z.number().int().positive()),
});
type PieceList = z.infer<typeof listSchema>;

export interface SnapshotPlace {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly js: JetStreamClient;
  /** Stream of the entries. */
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
    // A journal recreated under the same name must not find snapshots of the old one.
    this.#prefix = `${this.#stream}.${place.journalId}.`;
  }

  async write(subject: Subject, bytes: Uint8Array): Promise<void> {
    const { link } = this.#place;
    if (!link.isUp) throw link.unavailable('is not connected');
    try {
      if (bytes.byteLength <= this.#messageBytesMax)
        await this.#publishOrCreate(this.#nameOf(subject), bytes);
      else await this.#writePieces(subject, bytes);
    } catch (error) {
      throw link.unavailable(`did not take a snapshot of ${subject}: the next replay is longer`, error);
    }
  }

  /** Newest first. The older one is requested only if the caller continues. */
  async *read(subject: Subject): AsyncGenerator<Uint8Array> {
    const name = this.#nameOf(subject);
    const newest = await this.#get({ last_by_subj: name });
    if (newest === null) return;
    const bytes = await this.#whole(newest);
    if (bytes !== null) yield bytes;
    const older = await this.#get({ seq: 1, next_by_subj: name });
    if (older === null || older.seq >= newest.seq) return;
    const olderBytes = await this.#whole(older);
    if (olderBytes !== null) yield olderBytes;
  }

  get #messageBytesMax(): number {
    const { payloadBytesMax } = this.#place.link;
    return Math.max(payloadBytesMax - OVERHEAD_BYTES, Math.ceil(payloadBytesMax / 2));
  }

  #nameOf(subject: Subject): string {
    return `${this.#prefix}${subject}`;
  }

  /**
   * Writes the pieces, then their list under the snapshot's own name; without the list, they are unused. The
   * pieces go to the slot that the current snapshot does not use, so that no number of crashes can damage it.
   */
  async #writePieces(subject: Subject, bytes: Uint8Array): Promise<void> {
    const name = this.#nameOf(subject);
    const newest = await this.#get({ last_by_subj: name });
    const slot = newest !== null && listOf(newest)?.slot === 0 ? 1 : 0;
    const sequences: number[] = [];
    const pieceBytes = this.#messageBytesMax;
    for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      sequences.push(await this.#publishOrCreate(`${name}.piece.${slot}.${sequences.length}`, piece));
    }
    const list: PieceList = { slot, bytes: bytes.byteLength, sha256: hash('sha256', bytes), sequences };
    const marks = headers();
    marks.set(PIECES_HEADER, String(sequences.length));
    await this.#publish(name, new TextEncoder().encode(JSON.stringify(list)), marks);
  }

  /** The snapshot that a message contains or lists; null if it is incomplete or changed. */
  async #whole(message: StoredMsg): Promise<Uint8Array | null> {
    if (!isList(message)) return message.data;
    const list = listOf(message);
    if (list === null) return null;
    const pieces: Uint8Array[] = [];
    for (const seq of list.sequences) {
      const piece = await this.#get({ seq });
      if (piece === null) return null;
      pieces.push(piece.data);
    }
    const bytes = Buffer.concat(pieces);
    return bytes.byteLength === list.bytes && hash('sha256', bytes) === list.sha256 ? bytes : null;
  }

  async #publishOrCreate(name: string, bytes: Uint8Array): Promise<number> {
    try {
      return await this.#publish(name, bytes);
    } catch (error) {
      if (classifyPublishError(error).type !== 'noStream') throw error;
      await this.#create();
      return this.#publish(name, bytes);
    }
  }

  /** Returns the sequence of the message. */
  async #publish(name: string, bytes: Uint8Array, marks?: MsgHdrs): Promise<number> {
    const { link, js, timeoutMs } = this.#place;
    const expect = { streamName: this.#stream };
    const options = { expect, timeout: timeoutMs, ...(marks === undefined ? {} : { headers: marks }) };
    return (await link.during(js.publish(name, bytes, options))).seq;
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
        // Stale answers do no harm, and a request to the leader would make each snapshot a third larger.
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

function isList({ header }: StoredMsg): boolean {
  return header.has(PIECES_HEADER);
}

/** Null if the message is not a list of pieces in this format. */
function listOf(message: StoredMsg): PieceList | null {
  if (!isList(message)) return null;
  try {
    return listSchema.safeParse(JSON.parse(new TextDecoder().decode(message.data))).data ?? null;
  } catch {
    return null;
  }
}
