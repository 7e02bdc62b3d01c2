/**
 * One client of `/v1/events`: server-sent events, one for each entry, in the order of its partition. A client
 * that does not keep up is dropped: it comes back with the last id that it saw.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Subject } from '../../journal/ids.ts';
import type { Revision } from '../../journal/port.ts';
import type { Log } from '../telemetry/log.ts';
import type { EventClient, EventHistory, OfferedEvent } from './eventHub.ts';

const HEARTBEAT_MS = 15_000;
/** Entries that wait for the client, in bytes. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** How long a client may take none. */
const STALLED_MS = 30_000;
const RETRY_MS = 2_000;

export interface EventStreamOptions {
  readonly response: ServerResponse;
  readonly history: EventHistory;
  readonly log: Log;
  /** The client has seen all up to it; null: it begins now. */
  readonly resumeAfter: Revision | null;
  /** At the time when the client joins. */
  readonly safeRevision: Revision;
  readonly wants: (subject: Subject) => boolean;
}

export class EventStream implements EventClient {
  readonly #options: EventStreamOptions;
  /** The last entry of each subject that was sent. */
  readonly #sent = new Map<Subject, Revision>();
  readonly #waiting: OfferedEvent[] = [];
  #waitingBytes = 0;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  offer(event: OfferedEvent): void {
    if (this.#isOver || !this.#options.wants(event.subject)) return;
    this.#waitingBytes += event.bytes.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      this.#drop(`it left ${WAITING_BYTES_MAX} bytes waiting`);
      return;
    }
    this.#waiting.push(event);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** Resolves when the client is gone, or `end` was called. Rejects if the journal cannot be read. */
  async run(): Promise<void> {
    const { response, resumeAfter, safeRevision } = this.#options;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.on('close', () => this.end());
    const heartbeat = setInterval(() => void response.write(':\n\n'), HEARTBEAT_MS);
    try {
      await this.#write(`retry: ${RETRY_MS}\n\n`);
      if (resumeAfter !== null) await this.#catchUp(resumeAfter);
      await this.#write(`id: ${safeRevision}\n\n`);
      await this.#follow();
    } finally {
      clearInterval(heartbeat);
      this.#isOver = true;
      response.end();
    }
  }

  async #catchUp(after: Revision): Promise<void> {
    for (const subject of this.#options.history.subjects()) {
      if (this.#isOver) return;
      if (this.#options.wants(subject)) await this.#fill(subject, after);
    }
  }

  /** Sends what the journal holds of the subject after the revision. */
  async #fill(subject: Subject, after: Revision): Promise<void> {
    for await (const batch of this.#options.history.journal.read(subject, after)) {
      for (const { revision, bytes } of batch) {
        if (this.#isOver) return;
        await this.#send(subject, revision, bytes, null);
      }
    }
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      const event = this.#waiting.shift();
      if (event === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const { subject, revision, after, bytes, safeRevision } = event;
      this.#waitingBytes -= bytes.length;
      const sent = this.#lastSent(subject);
      // An append whose answer was lost, or an earlier owner's, is found in the journal alone.
      if (sent < after) await this.#fill(subject, sent);
      if (this.#lastSent(subject) < revision) await this.#send(subject, revision, bytes, safeRevision);
    }
  }

  #lastSent(subject: Subject): Revision {
    const { resumeAfter, safeRevision } = this.#options;
    return this.#sent.get(subject) ?? resumeAfter ?? safeRevision;
  }

  /** Stored entries are JSON on one line. */
  async #send(
    subject: Subject,
    revision: Revision,
    bytes: Uint8Array,
    safeRevision: Revision | null,
  ): Promise<void> {
    const id = safeRevision === null ? '' : `id: ${safeRevision}\n`;
    await this.#write(`${id}event: entry\ndata: ${Buffer.from(bytes).toString('utf8')}\n\n`);
    this.#sent.set(subject, revision);
  }

  async #write(text: string): Promise<void> {
    const { response } = this.#options;
    if (this.#isOver || response.write(text)) return;
    const limit = AbortSignal.timeout(STALLED_MS);
    // Ends the listening of both, whichever comes.
    const over = new AbortController();
    const signal = AbortSignal.any([limit, over.signal]);
    try {
      await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
    } catch (error) {
      if (!limit.aborted) throw error;
      this.#drop(`it took nothing for ${STALLED_MS / 1_000} s`);
    } finally {
      over.abort();
    }
  }

  #drop(why: string): void {
    this.#options.log.warn({}, `a client of /v1/events is dropped: ${why}`);
    this.#options.response.destroy();
    this.end();
  }
}
