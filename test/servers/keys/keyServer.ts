/**
 * Whoever gives keys, on a loopback port: the metadata server of an ECS instance, STS, and a URI. Each answer
 * holds new keys with a short life, and hands them to whoever has to accept them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface IssuedKeys {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken: string;
  readonly expiresAtMs: number;
}

export interface KeyServerOptions {
  readonly lifeMs: number;
  /** Awaited before the answer: a server must accept the keys from then on. */
  readonly accept?: (keys: IssuedKeys) => Promise<void>;
}

export const ROLE = 'lake-writer';
export const ROLE_ARN = `acs:ram::1234567890:role/${ROLE}`;
export const PROVIDER_ARN = 'acs:ram::1234567890:oidc-provider/ack-rrsa-c1';
const METADATA = '/latest/meta-data/ram/security-credentials/';
const METADATA_TOKEN = 'metadata-session';

type Answer = { readonly status: number; readonly body: string };

export class KeyServer {
  readonly #http: Server;
  readonly #options: KeyServerOptions;
  /** Everything that was ever handed out. */
  readonly issued: IssuedKeys[] = [];
  /** `GET /path`, without the query, in turn. */
  readonly asked: string[] = [];
  /** Forms that STS was sent. */
  readonly forms: URLSearchParams[] = [];
  readonly #watchers = new Set<() => void>();
  /** If set, given to everybody instead of keys. */
  refusal: Answer | null = null;
  /** Whether the metadata server knows sessions (IMDSv2). */
  hasSessions = true;

  private constructor(options: KeyServerOptions) {
    this.#options = options;
    this.#http = createServer((message, response) => void this.#serve(message, response));
  }

  static async start(options: KeyServerOptions): Promise<KeyServer> {
    const server = new KeyServer(options);
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => void this.#http.close(() => resolve()));
  }

  /** Resolves when it has given keys so often. */
  gave(times: number): Promise<void> {
    return this.#until(() => this.issued.length >= times);
  }

  /** Resolves when it was asked for anything so often. */
  wasAsked(times: number): Promise<void> {
    return this.#until(() => this.asked.length >= times);
  }

  async #until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const look = (): void => {
      if (isSo()) resolve(undefined);
    };
    this.#watchers.add(look);
    look();
    await promise;
    this.#watchers.delete(look);
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(message.url ?? '', 'http://localhost');
    const call = `${message.method ?? ''} ${pathname}`;
    this.asked.push(call);
    for (const look of this.#watchers) look();
    const body = await text(message);
    const answer = this.refusal ?? (await this.#answer(call, message, body));
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  }

  async #answer(call: string, { headers }: IncomingMessage, body: string): Promise<Answer> {
    const isMetadata = call.startsWith(`GET ${METADATA}`);
    const session = headers['x-aliyun-ecs-metadata-token'];
    if (isMetadata && session !== (this.hasSessions ? METADATA_TOKEN : undefined))
      return { status: 403, body: 'no session' };
    switch (call) {
      case 'PUT /latest/api/token':
        return this.hasSessions ? { status: 200, body: METADATA_TOKEN } : { status: 404, body: '' };
      case `GET ${METADATA}`:
        return { status: 200, body: `${ROLE}\n` };
      case `GET ${METADATA}${ROLE}`:
        return { status: 200, body: JSON.stringify({ Code: 'Success', ...(await this.#issue()) }) };
      case 'GET /keys':
        return { status: 200, body: JSON.stringify({ Code: 'Success', ...(await this.#issue()) }) };
      case 'POST /':
        return this.#sts(new URLSearchParams(body));
      default:
        return { status: 404, body: 'not here' };
    }
  }

  async #sts(form: URLSearchParams): Promise<Answer> {
    this.forms.push(form);
    if (form.get('RoleArn') === ROLE_ARN)
      return { status: 200, body: JSON.stringify({ Credentials: await this.#issue() }) };
    const Message = `The role not exists: ${form.get('RoleArn') ?? ''}.`;
    return { status: 404, body: JSON.stringify({ Code: 'EntityNotExist.Role', Message }) };
  }

  async #issue(): Promise<Readonly<Record<string, string>>> {
    const number = this.issued.length + 1;
    const keys: IssuedKeys = {
      accessKeyId: `STS.id-${number}`,
      accessKeySecret: `sts-secret-${number}-of-many`,
      securityToken: `sts-token-${number}-of-many`,
      expiresAtMs: Date.now() + this.#options.lifeMs,
    };
    this.issued.push(keys);
    await this.#options.accept?.(keys);
    for (const look of this.#watchers) look();
    return {
      AccessKeyId: keys.accessKeyId,
      AccessKeySecret: keys.accessKeySecret,
      SecurityToken: keys.securityToken,
      Expiration: new Date(keys.expiresAtMs).toISOString(),
    };
  }
}
