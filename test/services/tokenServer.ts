/** A token endpoint on loopback, which gives signed tokens (RS256) by the client credentials grant. */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates.ts';

export const TOKEN_CLIENT = { id: 'tidemark client', secret: 'client:secret/42' };

interface Asked {
  readonly form: URLSearchParams;
  readonly status: number;
}

interface TokenServerOptions {
  readonly certificate: Certificate;
  /** How long a token is valid. */
  readonly lifeSeconds?: number;
}

export class TokenServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** Answered instead of a token. */
  failure: { readonly status: number; readonly body: unknown } | null = null;
  /** Whom the tokens are for: the broker refuses those that are for others. */
  audience = 'kafka';
  lifeSeconds: number;
  readonly #server: Server;
  readonly #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

  private constructor({ certificate, lifeSeconds = 3_600 }: TokenServerOptions) {
    this.lifeSeconds = lifeSeconds;
    this.#keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const files = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
    this.#server = createServer(files, (request, response) => void this.#answer(request, response));
  }

  static async start(options: TokenServerOptions): Promise<TokenServer> {
    const server = new TokenServer(options);
    await once(server.#server.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}/token`;
  }

  /** The keys by which a broker verifies the tokens. */
  get jwks(): string {
    const key = { ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'RS256' };
    return JSON.stringify({ keys: [key] });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
    const { status, answer } = this.#judge(request.headers.authorization);
    this.asked.push({ form: new URLSearchParams(body), status });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #judge(authorization: string | undefined): { readonly status: number; readonly answer: unknown } {
    const named = [TOKEN_CLIENT.id, TOKEN_CLIENT.secret].map(encodeURIComponent).join(':');
    if (authorization !== `Basic ${Buffer.from(named).toString('base64')}`)
      return { status: 401, answer: { error: 'invalid_client', error_description: 'no such client' } };
    if (this.failure !== null) return { status: this.failure.status, answer: this.failure.body };
    const answer = { access_token: this.#token(), token_type: 'Bearer', expires_in: this.lifeSeconds };
    return { status: 200, answer };
  }

  #token(): string {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: 'test', sub: 'tidemark', aud: this.audience, scope: 'read' };
    const parts = [
      { alg: 'RS256', typ: 'JWT', kid: 'test' },
      { ...claims, iat: now, exp: now + this.lifeSeconds },
    ];
    const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.#keys.privateKey, 'base64url')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
