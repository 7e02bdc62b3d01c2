/** Asks a token endpoint for an access token: the client credentials grant of OAuth 2.0 (RFC 6749, 4.4). */
import { readFileSync } from 'node:fs';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { isTlsRefusal, tlsReason } from '../../../../kernels/checks/tls.ts';
import { Secret } from '../../../../kernels/schema/secret.ts';
import { SourceFailure } from '../../failure.ts';

export interface TokenEndpoint {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Null: the endpoint's default. */
  readonly scope: string | null;
  /** Absolute path of a PEM file with the authorities to trust. Null: those that Node trusts. */
  readonly caFile: string | null;
}

export interface GivenToken {
  readonly token: Secret;
  /** How long it is valid from now on. */
  readonly lifeMs: number;
}

const ANSWER_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 256 * 1024;
const TOLD_CHARACTERS_MAX = 200;
const OK = 200;
/** Statuses of a client error that may be over in a moment: too slow, too many requests. */
const LATER: readonly number[] = [408, 425, 429];

/**
 * Rejects with a SourceFailure `refused` if the endpoint will never give this client a token, and with any
 * other error if it does not answer. Neither holds the secret.
 */
export async function askForToken(endpoint: TokenEndpoint, wallMs: number): Promise<GivenToken> {
  const { status, body } = await answerOf(endpoint);
  if (status !== OK) throw refusal(endpoint, status, body);
  const fields = jsonOf(body);
  const token = fields?.['access_token'];
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw refused(endpoint, 'answers without an access_token', 'Correct tokenUrl.');
  const lifeMs = lifeOf(fields?.['expires_in'], token, wallMs);
  if (lifeMs === null || lifeMs <= 0) {
    const what =
      lifeMs === null ? 'does not say how long its token is valid' : 'gives a token that has ended';
    throw new Error(`the token endpoint ${endpoint.url} ${what} (expires_in, or exp of the token)`);
  }
  return { token: new Secret(token), lifeMs };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function answerOf(endpoint: TokenEndpoint): Promise<Answer> {
  const { url, clientId, clientSecret, scope } = endpoint;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === null ? {} : { scope }),
  });
  const named = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret.reveal())}`;
  const headers = {
    authorization: `Basic ${Buffer.from(named).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  };
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const options = { method: 'POST', headers, signal, agent: false } as const;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  try {
    const request = url.startsWith('https:')
      ? requestTls(url, { ...options, ...authoritiesOf(endpoint) }, resolve)
      : requestPlain(url, options, resolve);
    request.on('error', reject).end(form.toString());
    const response = await promise;
    return { status: response.statusCode ?? 0, body: await bodyOf(response) };
  } catch (error) {
    throw unanswered(endpoint, signal.aborted, error);
  }
}

/** Read each time: the file may have been replaced. */
function authoritiesOf({ caFile }: TokenEndpoint): { readonly ca?: Buffer } {
  return caFile === null ? {} : { ca: readFileSync(caFile) };
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`its answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unanswered(endpoint: TokenEndpoint, isLate: boolean, error: unknown): Error {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  if (isTlsRefusal(code))
    return refused(endpoint, `: TLS failed (${tlsReason(message)})`, 'Correct tokenUrl, or ca.');
  const reason = isLate ? `no answer for ${ANSWER_MS_MAX / 1_000} s` : tlsReason(message);
  return new Error(`the token endpoint ${endpoint.url} does not answer (${reason})`, { cause: error });
}

function refusal(endpoint: TokenEndpoint, status: number, body: string): Error {
  const reason = toldBy(jsonOf(body), endpoint.clientSecret);
  const answer = `answers with status ${status}${reason}`;
  if (status >= 300 && status < 500 && !LATER.includes(status))
    return refused(endpoint, answer, 'Correct tokenUrl, clientId, clientSecret or scope.');
  return new Error(`the token endpoint ${endpoint.url} ${answer}`);
}

function refused({ url }: TokenEndpoint, what: string, remedy: string): SourceFailure {
  const gap = what.startsWith(':') ? '' : ' ';
  const message = `The token endpoint ${url} of source.kafka.sasl${gap}${what}. ${remedy}`;
  return new SourceFailure('refused', message, { fields: { tokenUrl: url } });
}

/** What the endpoint says about a refusal, if it is an answer of OAuth. */
function toldBy(fields: Fields, secret: Secret): string {
  const told = ['error', 'error_description'].flatMap((name) => {
    const text = fields?.[name];
    return typeof text === 'string' ? [text] : [];
  });
  const shown = told
    .join(': ')
    .replaceAll(secret.reveal(), '[secret]')
    .replaceAll(/\p{Cc}/gu, ' ');
  return shown === '' ? '' : ` (${shown.slice(0, TOLD_CHARACTERS_MAX)})`;
}

type Fields = Readonly<Record<string, unknown>> | null;

function jsonOf(text: string): Fields {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Fields) : null;
  } catch {
    return null;
  }
}

/** From `expires_in` (seconds), else from the `exp` of a JWT. Null: neither says it. */
function lifeOf(expiresIn: unknown, token: string, wallMs: number): number | null {
  const seconds = Number(expiresIn);
  if (expiresIn !== undefined && expiresIn !== null && Number.isFinite(seconds)) return seconds * 1_000;
  const claims = jsonOf(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const end = claims?.['exp'];
  return typeof end === 'number' ? end * 1_000 - wallMs : null;
}
