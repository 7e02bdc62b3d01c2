/**
 * One run over the entries of a subject: a short-lived pull consumer and its deliveries, in order, up to a
 * given last entry.
 *
 * It ends with that entry or rejects. Anything irregular (lost connection, silence, a gap in the delivery
 * count, a missing consumer) rejects. The reader then continues after the last delivered entry with a new
 * run.
 */
import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, nanos, nuid, type Msg, type Subscription } from '@nats-io/transport-node';
import type { NatsLink } from './connection.ts';
import type { Revision, StoredEntry } from '../port.ts';

const PULL_ENTRIES = 1_000;
const PULL_BYTES = 4 * 1024 * 1024;
/** One pull is answered while the previous one is being read. */
const PULLS_OPEN_MAX = 2;
const PULL_EXPIRES_MS = 60_000;
/** The server removes a consumer that is idle for this long: its reader died or was very slow. */
const CONSUMER_IDLE_MS = 60_000;

/** A pull with max_bytes ends with one of these; every other 409 ends the consumer. */
const PULL_IS_FULL = /^(Batch Completed|Message Size Exceeds MaxBytes)$/i;

export interface FetchTarget {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  /** The literal NATS subject. */
  readonly natsSubject: string;
  /** Silence of the server that ends the run while an entry is due. */
  readonly silenceMs: number;
}

export async function startFetch(
  target: FetchTarget,
  after: Revision,
  last: Revision,
): Promise<SubjectFetch> {
  const { link, jsm, stream, natsSubject } = target;
  const consumer = `tidemark-${nuid.next()}`;
  await link.during(
    jsm.consumers.add(stream, {
      name: consumer,
      filter_subject: natsSubject,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(CONSUMER_IDLE_MS),
      mem_storage: true,
      num_replicas: 1,
    }),
  );
  return new SubjectFetch(target, consumer, after, last);
}

export class SubjectFetch {
  readonly #target: FetchTarget;
  readonly #consumer: string;
  readonly #last: Revision;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #stopListening: () => void;
  /** Open pulls by number, oldest first, and how many entries each may still deliver. */
  readonly #pulls = new Map<number, number>();
  #pullsSent = 0;
  #delivered = 0;
  #at: Revision;
  #buffer: StoredEntry[] = [];
  #bufferBytes = 0;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(target: FetchTarget, consumer: string, after: Revision, last: Revision) {
    this.#target = target;
    this.#consumer = consumer;
    this.#at = after;
    this.#last = last;
    this.#subscription = target.link.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => this.#receive(error, message),
    });
    this.#stopListening = target.link.onLoss((error) => this.#fail(error));
  }

  /** The next entries, at least one; null after the last. Rejects if the run is broken. */
  async next(): Promise<readonly StoredEntry[] | null> {
    if (this.#buffer.length === 0 && this.#at >= this.#last) return null;
    this.#pull();
    if (this.#buffer.length === 0 && this.#failure === null) await this.#silence();
    // Delivered entries are valid even if the run broke after them.
    if (this.#buffer.length === 0) throw this.#failure ?? new Error('nothing was delivered');
    const batch = this.#buffer;
    this.#buffer = [];
    this.#bufferBytes = 0;
    return batch;
  }

  close(): void {
    this.#stopListening();
    this.#subscription.unsubscribe();
    const { link, stream } = this.#target;
    // Not awaited: if the request is lost, the server removes the consumer when it has been idle.
    if (link.isUp) link.nc.publish(`$JS.API.CONSUMER.DELETE.${stream}.${this.#consumer}`);
  }

  #pull(): void {
    const { link, stream } = this.#target;
    while (
      this.#failure === null &&
      this.#at < this.#last &&
      this.#pulls.size < PULLS_OPEN_MAX &&
      this.#bufferBytes < PULL_BYTES
    ) {
      if (!link.isUp) {
        this.#fail(link.unavailable('was disconnected'));
        return;
      }
      this.#pullsSent += 1;
      this.#pulls.set(this.#pullsSent, PULL_ENTRIES);
      const request = {
        batch: PULL_ENTRIES,
        // The largest message fits twice; otherwise a pull could end without delivering anything.
        max_bytes: Math.max(PULL_BYTES, 2 * link.payloadBytesMax),
        expires: nanos(PULL_EXPIRES_MS),
      };
      link.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`, JSON.stringify(request), {
        reply: `${this.#inbox}.${this.#pullsSent}`,
      });
    }
  }

  #receive(error: Error | null, message: Msg): void {
    if (this.#failure !== null || this.#at >= this.#last) return;
    if (error !== null) {
      this.#fail(error);
      return;
    }
    // Entries arrive under their own subject, the consumer's status messages under the pull's inbox.
    if (message.subject.startsWith(this.#inbox)) this.#remark(message);
    else this.#entry(message);
  }

  #remark(message: Msg): void {
    const code = message.headers?.code ?? 0;
    const text = message.headers?.description ?? '';
    const pullIsOver = code === 404 || code === 408 || (code === 409 && PULL_IS_FULL.test(text));
    if (!pullIsOver) {
      this.#fail(new Error(`the consumer answered ${code} ${text}`));
      return;
    }
    this.#pulls.delete(Number(message.subject.slice(this.#inbox.length + 1)));
    this.#pull();
  }

  #entry(message: Msg): void {
    const delivery = parseDelivery(message.reply ?? '');
    if (delivery === null) {
      this.#fail(new Error('a delivery without its numbers'));
      return;
    }
    const { streamSequence, deliverySequence } = delivery;
    if (deliverySequence !== this.#delivered + 1) {
      this.#fail(new Error(`delivery ${deliverySequence} where ${this.#delivered + 1} was due`));
      return;
    }
    if (streamSequence > this.#last) {
      this.#fail(new Error(`entry ${streamSequence} where ${this.#last}, seen before, was due`));
      return;
    }
    this.#delivered = deliverySequence;
    this.#at = streamSequence;
    this.#countDown();
    this.#buffer.push({ revision: streamSequence, bytes: message.data });
    this.#bufferBytes += message.data.byteLength;
    this.#wake?.();
  }

  #countDown(): void {
    for (const [pull, left] of this.#pulls) {
      if (left > 1) this.#pulls.set(pull, left - 1);
      else this.#pulls.delete(pull);
      return;
    }
  }

  /** Waits for the next message. Too long a silence breaks the run. */
  async #silence(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      this.#fail(new Error(`silence for ${this.#target.silenceMs} ms`));
    }, this.#target.silenceMs);
    this.#wake = () => resolve(undefined);
    await promise;
    this.#wake = null;
    clearTimeout(timer);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}

interface Delivery {
  readonly streamSequence: number;
  readonly deliverySequence: number;
}

/**
 * From `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<tries>.<stream seq>.<delivery
 * seq>.<time>.<pending>[.<token>]`.
 */
function parseDelivery(reply: string): Delivery | null {
  const tokens = reply.split('.');
  const at = tokens.length === 9 ? 5 : 7;
  if (tokens.length < 9 || tokens[0] !== '$JS' || tokens[1] !== 'ACK') return null;
  const streamSequence = Number(tokens[at]);
  const deliverySequence = Number(tokens[at + 1]);
  if (!Number.isSafeInteger(streamSequence) || !Number.isSafeInteger(deliverySequence)) return null;
  return { streamSequence, deliverySequence };
}
