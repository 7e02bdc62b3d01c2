import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, errorAnswer, OssError } from './answer.ts';
import { authenticate } from './auth/authenticate.ts';
import type { Credential } from './auth/credentials.ts';
import { control, isControl } from './control.ts';
import { DfsError } from './dfs/errors.ts';
import type { Files, Guesses, Later } from './dfs/files.ts';
import { answerDfs, dfsErrorAnswer, dfsPathOf, readDfsRequest } from './dfs/front.ts';
import { Leases } from './dfs/leases.ts';
import { Namespace } from './dfs/namespace.ts';
import { type Fault, Faults, pathOf } from './faults.ts';
import { type OssRequest, readRequest, readSmallBody } from './request.ts';
import { createBucket } from './rest/buckets.ts';
import { bucketOf, type Context, type EtagOf } from './rest/context.ts';
import { operationOf } from './rest/route.ts';
import { send } from './send.ts';
import { World } from './state/world.ts';
import { parseXml } from './xml.ts';

export type OssServerOptions = {
  /** Where everything is kept; a server that is restarted on it continues from there. */
  readonly dir: string;
  /** Any free port if 0 or omitted. */
  readonly port?: number;
  /** Made at the start if they are missing. */
  readonly buckets?: readonly string[];
  readonly credentials?: readonly Credential[];
  readonly region?: string;
  /** Whether every body is synced to disk before it is acknowledged; false by default. */
  readonly sync?: boolean;
  /** By default as of OSS. */
  readonly etag?: EtagOf;
  readonly leaseSoftLimitMs?: number;
  readonly leaseHardLimitMs?: number;
  readonly guesses?: Partial<Guesses>;
  /** Milliseconds since 1970, for leases and file times; signatures always use the machine's clock. */
  readonly now?: () => number;
  /** Waits before a slow answer; real time by default. */
  readonly pause?: (ms: number) => Promise<unknown>;
};

export const TEST_CREDENTIAL: Credential = { accessKeyId: 'test-id', accessKeySecret: 'test-secret' };

/** One operation that was requested, answered or not. */
export type Call = { readonly operation: string; readonly path: string };

/** OSS and OSS-HDFS on a loopback port, for tests. */
export class OssServer {
  readonly faults = new Faults();
  /** In the order of arrival. */
  readonly calls: Call[] = [];
  readonly #http: Server;
  readonly #context: Context;
  readonly #credentials: Credential[];
  readonly #leases: Leases;
  readonly #guesses: Guesses;
  readonly #pause: (ms: number) => Promise<unknown>;
  readonly #namespaces = new Map<string, Namespace>();

  private constructor(options: OssServerOptions) {
    const now = options.now ?? Date.now;
    this.#pause = options.pause ?? delay;
    const world = new World(options.dir, { sync: options.sync ?? false });
    this.#context = { world, now, region: options.region ?? 'cn-test', etag: options.etag ?? 'md5' };
    this.#credentials = [...(options.credentials ?? [TEST_CREDENTIAL])];
    this.#leases = new Leases(now, {
      softMs: options.leaseSoftLimitMs ?? 60_000,
      hardMs: options.leaseHardLimitMs ?? 3_600_000,
    });
    this.#guesses = { recoveredLength: 'flushed', renameOntoFile: 'replaces', ...options.guesses };
    for (const bucket of options.buckets ?? []) createBucket(this.#context, bucket);
    this.#http = createServer(
      { keepAliveTimeout: 60_000 },
      (message, response) => void this.#serve(message, response),
    );
  }

  static async start(options: OssServerOptions): Promise<OssServer> {
    const server = new OssServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#http.once('error', reject);
      server.#http.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return server;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Lets the server close every file that this client holds a lease of, when it next looks at the file. */
  expireLease(clientName: string): void {
    this.#leases.expire(clientName);
  }

  /** Accepts this key from now on, in place of one with the same id. */
  addCredential(credential: Credential): void {
    const others = this.#credentials.filter(({ accessKeyId }) => accessKeyId !== credential.accessKeyId);
    this.#credentials.splice(0, Infinity, ...others, credential);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#http.close(() => resolve()));
    this.#http.closeAllConnections();
    await closed;
    this.#context.world.close();
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID().replaceAll('-', '').slice(0, 24).toUpperCase();
    response.setHeader('x-oss-request-id', requestId);
    response.setHeader('server', 'AliyunOSS');
    let answer: Answer | 'cut';
    try {
      answer = isControl(message) ? await control(this, message) : await this.#answer(readRequest(message));
    } catch (error) {
      if (message.socket.destroyed) return; // nobody is left to answer
      answer = answerOf(error, requestId, this.address);
    }
    if (answer === 'cut') return void message.socket.destroy();
    // An unwanted body has to be read as well: the connection is reused.
    message.resume();
    try {
      await send(response, answer, this.#context.world.data, message.method === 'HEAD');
    } catch {
      response.destroy(); // the client disconnected in the middle of the answer
    }
  }

  #answer(request: OssRequest): Promise<Answer | 'cut'> {
    return request.query.has('dfs') ? this.#answerDfs(request) : this.#answerOss(request);
  }

  async #answerOss(request: OssRequest): Promise<Answer | 'cut'> {
    const operation = operationOf(request);
    return this.#underFaults({ operation: operation.name, path: pathOf(request) }, async () => {
      authenticate(request, this.#credentials, Date.now());
      return operation.handle(this.#context, request);
    });
  }

  async #answerDfs(request: OssRequest): Promise<Answer | 'cut'> {
    const dfs = readDfsRequest(parseXml(await readSmallBody(request.body)));
    const path = `${request.bucket}${dfsPathOf(dfs)}`;
    try {
      return await this.#underFaults({ operation: `dfs.${dfs.type}`, path }, async (later) => {
        authenticate(request, this.#credentials, Date.now());
        return answerDfs(this.#filesOf(request), dfs, later);
      });
    } catch (error) {
      if (error instanceof DfsError) return dfsErrorAnswer(error);
      throw error;
    }
  }

  async #underFaults(call: Call, run: (later: Later | null) => Promise<Answer>): Promise<Answer | 'cut'> {
    this.calls.push(call);
    const fault = this.faults.take(call.operation, call.path);
    return fault === undefined ? run(null) : this.#runUnder(fault, run);
  }

  async #runUnder(fault: Fault, run: (later: Later | null) => Promise<Answer>): Promise<Answer | 'cut'> {
    switch (fault.type) {
      case 'status':
        throw new OssError(fault.status, fault.code ?? 'InternalError', 'a fault that the test asked for');
      case 'accessDenied':
        throw new OssError(403, 'AccessDenied', 'a fault that the test asked for');
      case 'dfsError':
        throw new DfsError(fault.errCode, fault.message ?? 'a fault that the test asked for');
      case 'cutBefore':
        return 'cut';
      case 'cutAfter':
        await run(null);
        return 'cut';
      case 'slow':
        await this.#pause(fault.delayMs);
        return run(null);
      case 'wrongCrc': {
        const answer = await run(null);
        return { ...answer, headers: { ...answer.headers, 'x-oss-hash-crc64ecma': '1' } };
      }
      case 'answerFalse':
        return run({ delayMs: fault.delayMs ?? 0 });
    }
  }

  #filesOf(request: OssRequest): Files {
    const { name } = bucketOf(this.#context, request);
    let namespace = this.#namespaces.get(name);
    if (namespace === undefined) {
      namespace = new Namespace(this.#context.world, name);
      this.#namespaces.set(name, namespace);
    }
    return { namespace, leases: this.#leases, now: this.#context.now, guesses: this.#guesses };
  }
}

function answerOf(error: unknown, requestId: string, host: string): Answer {
  if (error instanceof OssError) return errorAnswer(error, requestId, host);
  process.stderr.write(
    `oss server: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return errorAnswer(new OssError(500, 'InternalError', String(error)), requestId, host);
}
