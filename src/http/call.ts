/** One call: what it asks for, and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bigintsAsText } from '../../kernels/json.ts';
import { HttpProblem } from './problem.ts';

const BODY_BYTES_MAX = 64 * 1024;

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of its path, decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

export function callOf(request: IncomingMessage, response: ServerResponse): Call {
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
  return { request, response, segments: segmentsOf(path), query: new URLSearchParams(query) };
}

function segmentsOf(path: string): string[] {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) throw new HttpProblem('BAD_REQUEST', 'The path is no percent-encoding.');
    throw error;
  }
}

export function answerText(
  { response }: Pick<Call, 'response'>,
  status: number,
  contentType: string,
  text: string,
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

/** Offsets are texts: they do not fit a JSON number. */
export function answerJson(call: Pick<Call, 'response'>, status: number, document: unknown): void {
  answerText(call, status, 'application/json; charset=utf-8', `${JSON.stringify(document, bigintsAsText)}\n`);
}

/** The JSON of the body; an empty map if there is none. Throws BODY_TOO_LARGE, NOT_JSON or BAD_REQUEST. */
export async function readJson({ request }: Call): Promise<unknown> {
  const text = await readBody(request);
  if (text === '') return {};
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new HttpProblem('NOT_JSON', 'The body must be JSON, with "Content-Type: application/json".');
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new HttpProblem('BAD_REQUEST', 'The body is not valid JSON.');
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const tooLarge = new HttpProblem('BODY_TOO_LARGE', `The body is longer than ${BODY_BYTES_MAX} bytes.`, {
    connection: 'close',
  });
  // One that says so gets an answer; one that does not is cut off.
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
