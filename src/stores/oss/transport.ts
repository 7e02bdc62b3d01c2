/**
 * Sends single requests over a bounded number of connections that are kept. Every one has a time limit, from
 * its turn to its whole answer; of an answer that is read as a stream, each pause between two pieces has one.
 */
import http from 'node:http';
import https from 'node:https';
import type { OssAddress } from '../alibaba/path.ts';
import { Turns } from '../../system/turns.ts';
import { Unanswered } from './errors.ts';
import { encoded } from './signing.ts';

/** Of the process. Others wait for their turn. */
const CONNECTIONS_MAX = 32;
const CONNECTIONS_KEPT = 16;
/** The service ends idle connections, too: ours end before. */
const KEPT_MS = 15_000;
/** Between two pieces of an answer that is read as a stream. */
const STALLED_MS = 20_000;
/** A body may take longer: as long as it needs at this rate, which a working link exceeds. */
const BODY_BYTES_PER_MS_MIN = 64;
/** Of an answer that is kept as a whole. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export interface OutgoingRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: Readonly<Record<string, string | null>>;
  readonly headers: Readonly<Record<string, string>>;
  /** The pieces of the body; none for an empty one. They must not change before the answer. */
  readonly body: readonly Uint8Array[];
  /** What its answer may take, besides the body. */
  readonly answerMs: number;
}

export interface Answer {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

export interface StreamedAnswer {
  readonly status: number;
  readonly headers: Answer['headers'];
  /** The body as it arrives, for a status below 300; destroy it to stop early. */
  readonly stream: http.IncomingMessage | null;
  readonly text: string;
}

export class Transport {
  readonly #address: OssAddress;
  readonly #ossBucket: string;
  readonly #agent: http.Agent;
  readonly #turns = new Turns(CONNECTIONS_MAX);

  constructor(address: OssAddress, ossBucket: string) {
    this.#address = address;
    this.#ossBucket = ossBucket;
    const options = { keepAlive: true, maxFreeSockets: CONNECTIONS_KEPT, timeout: KEPT_MS };
    this.#agent = address.https ? new https.Agent(options) : new http.Agent(options);
  }

  /**
   * Unanswered if no whole answer came, whatever its status.
   * @param request is made when its turn has come.
   */
  send(request: () => OutgoingRequest): Promise<Answer> {
    return this.#turns.during(async () => {
      const { outgoing, message, limit } = await this.#begin(request());
      try {
        // That of a HEAD is read, too, or its connection is never free again.
        const text = await wholeText(message);
        return { status: message.statusCode ?? 0, headers: headersOf(message), text };
      } catch (cause) {
        throw new Unanswered(limit.reached ?? cause, true);
      } finally {
        limit.end();
        // Refused early: the rest of the body must not be sent, since its bytes are used again.
        if (!outgoing.writableFinished) outgoing.destroy();
      }
    });
  }

  /** The turn ends with the answer's head: whoever reads it reads few at once. */
  stream(request: () => OutgoingRequest): Promise<StreamedAnswer> {
    return this.#turns.during(async () => {
      const { message, limit } = await this.#begin(request());
      const status = message.statusCode ?? 0;
      const headers = headersOf(message);
      try {
        if (status >= 300) return { status, headers, stream: null, text: await wholeText(message) };
        message.setTimeout(STALLED_MS, () => {
          message.destroy(new Error(`no data came for ${STALLED_MS / 1000} s`));
        });
        return { status, headers, stream: message, text: '' };
      } catch (cause) {
        throw new Unanswered(limit.reached ?? cause, true);
      } finally {
        limit.end();
      }
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #begin({ method, key, query, headers, body, answerMs }: OutgoingRequest) {
    const { host, port, https: isSecure, pathStyle } = this.#address;
    const length = body.reduce((sum, piece) => sum + piece.length, 0);
    const hasBody = method === 'PUT' || method === 'POST';
    const options: http.RequestOptions = {
      agent: this.#agent,
      ...{
        method,
        host: pathStyle ? host : `${this.#ossBucket}.${host}`,
        port: port ?? (isSecure ? 443 : 80),
      },
      path: `${pathStyle ? `/${this.#ossBucket}` : ''}/${pathOf(key)}${queryOf(query)}`,
      headers: { ...headers, ...(hasBody ? { 'content-length': String(length) } : {}) },
    };
    const answered = Promise.withResolvers<Begun>();
    const outgoing = (isSecure ? https : http).request(options);
    const limit = new TimeLimit(answerMs + length / BODY_BYTES_PER_MS_MIN, (why) => outgoing.destroy(why));
    let wasSent = false;
    outgoing.once('socket', (socket) => {
      wasSent = !socket.connecting;
      if (wasSent) return;
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        wasSent = true;
      });
    });
    outgoing.on('error', (cause) => {
      limit.end();
      answered.reject(new Unanswered(limit.reached ?? cause, wasSent));
    });
    outgoing.once('response', (message) => answered.resolve({ outgoing, message, limit }));
    for (const piece of body) outgoing.write(piece);
    outgoing.end();
    return answered.promise;
  }
}

interface Begun {
  readonly outgoing: http.ClientRequest;
  readonly message: http.IncomingMessage;
  readonly limit: TimeLimit;
}

class TimeLimit {
  /** Why the call ended; null while it has time. */
  reached: Error | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number, end: (why: Error) => void) {
    this.#timer = setTimeout(() => {
      this.reached = new Error(`no answer came within ${Math.ceil(limitMs / 1000)} s`);
      end(this.reached);
    }, limitMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function pathOf(key: string): string {
  return key.split('/').map(encoded).join('/');
}

function queryOf(query: OutgoingRequest['query']): string {
  const pairs = Object.entries(query).map(([name, value]) =>
    value === null ? encoded(name) : `${encoded(name)}=${encoded(value)}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function headersOf(message: http.IncomingMessage): Answer['headers'] {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(message.headers))
    headers[name] = Array.isArray(value) ? value.join(',') : value;
  return headers;
}

async function wholeText(message: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) throw new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
