/** Calls of the supervisor to the HTTP interfaces of its processes. */
import { request, type IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import type { Call } from '../http/call.ts';
import { HttpProblem } from '../http/problem.ts';

const LOOPBACK = '127.0.0.1';
/** Of what a caller sends, what the process needs. */
const PASSED_ON = ['content-type', 'content-length', 'transfer-encoding', 'last-event-id'] as const;

export interface Target {
  readonly index: number;
  readonly port: number;
  /** What the process expects of its supervisor. */
  readonly token: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A whole answer. Rejects with NOT_YET if there is none within `limitMs`. */
export async function ask(target: Target, path: string, limitMs: number): Promise<Answer> {
  const signal = AbortSignal.timeout(limitMs);
  try {
    const response = await send(target, { path, method: 'GET', headers: {}, signal });
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    throw unanswered(target, error);
  }
}

/** Passes a call on, and its answer back as it comes. */
export async function passOn(call: Call, target: Target): Promise<void> {
  const { request: asked, response } = call;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const headers = Object.fromEntries(
    PASSED_ON.flatMap((name) => (asked.headers[name] === undefined ? [] : [[name, asked.headers[name]]])),
  );
  const { url: path = '/', method = 'GET' } = asked;
  let answer: IncomingMessage;
  try {
    answer = await send(target, { path, method, headers, signal: gone.signal }, asked);
  } catch (error) {
    if (gone.signal.aborted) return;
    throw unanswered(target, error);
  }
  response.writeHead(answer.statusCode ?? 500, withoutHops(answer));
  response.flushHeaders();
  answer.pipe(response);
  // An answer that breaks off, because either end is gone, breaks off for the caller as well.
  answer.once('error', () => response.destroy());
  await finished(response).catch(() => answer.destroy());
}

interface Sent {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly signal: AbortSignal;
}

function send({ port, token }: Target, sent: Sent, body?: IncomingMessage): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...{ host: LOOPBACK, port, path: sent.path, method: sent.method, signal: sent.signal, agent: false },
      headers: { ...sent.headers, authorization: `Bearer ${token}` },
    });
    outgoing.once('response', resolve).on('error', reject);
    if (body === undefined) outgoing.end();
    else body.pipe(outgoing);
  });
}

/** Of this connection alone. */
const HOPS: readonly string[] = ['connection', 'keep-alive', 'transfer-encoding', 'date'];

function withoutHops({ headers }: IncomingMessage): Record<string, string | string[] | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOPS.includes(name)));
}

function unanswered({ index }: Target, error: unknown): HttpProblem {
  const reason = error instanceof Error ? error.message : String(error);
  return new HttpProblem('NOT_YET', `Process ${index} does not answer: ${reason}.`, { 'retry-after': '1' });
}
