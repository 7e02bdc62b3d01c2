/**
 * The HTTP server of a service. Everything that a client can take is bounded: the size of a request, the time
 * that it takes to come, connections, and streams.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { TidemarkError } from '../../journal/errors.ts';
import type { HttpConfig } from '../config/jobConfig.ts';
import { within } from '../system/bounded.ts';
import { systemClock } from '../system/clock.ts';
import type { Log } from '../telemetry/log.ts';
import { checkHost, checkToken, isLoopback } from './access.ts';
import { answerJson, callOf } from './call.ts';
import { hasMoved, listen, PORTS_TEXT } from './listening.ts';
import { HttpProblem } from './problem.ts';
import type { HttpSite, Route } from './site.ts';

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const KEEP_ALIVE_MS = 5_000;
const CONNECTIONS_MAX = 128;
/** How long answers under way may take at the end. */
const LAST_ANSWERS_MS = 100;

export interface HttpOptions {
  readonly config: HttpConfig;
  readonly site: HttpSite;
  readonly log: Log;
}

export class HttpServer {
  readonly #options: HttpOptions;
  readonly #server: Server;
  #port = 0;

  private constructor(options: HttpOptions) {
    this.#options = options;
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('request', (request, response) => void this.#handle(request, response));
  }

  /** Null if no usual port is free. Rejects with HTTP_PORT_TAKEN or HTTP_UNAVAILABLE. */
  static async start(options: HttpOptions): Promise<HttpServer | null> {
    const { config, log } = options;
    const server = new HttpServer(options);
    const port = await listen(server.#server, config);
    if (port === null) {
      log.warn(
        { host: config.host },
        `no HTTP interface: the ports ${PORTS_TEXT} are all taken; set http.port, or \`http: false\``,
      );
      return null;
    }
    server.#server.on('error', (error) => log.warn({ err: error }, 'the HTTP interface failed'));
    const why = hasMoved(config, port) ? ' (the usual port is taken)' : '';
    const told = config.isPrivate === true ? 'debug' : 'info';
    log[told]({ host: config.host, port }, `listening on ${urlOf(config.host, port)}${why}`);
    server.#port = port;
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** Takes no more calls, and ends those under way. Resolves soon, whatever clients do. */
  async end(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#options.site.end();
    this.#server.closeIdleConnections();
    await within(systemClock, LAST_ANSWERS_MS, closed);
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that is gone is no failure of the service.
    response.on('error', (error) => this.#options.log.debug({ err: error }, 'an HTTP client is gone'));
    try {
      await this.#answer(request, response);
    } catch (error) {
      this.#fail(response, error);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { config, site } = this.#options;
    checkHost(config.host, request.headers.host);
    const call = callOf(request, response);
    const method = request.method ?? '';
    const route = site.routeOf(call.segments);
    const handle = method === 'POST' ? route.post : method === 'GET' || method === 'HEAD' ? route.get : null;
    if (handle === null)
      throw new HttpProblem('METHOD_NOT_ALLOWED', `${method} is not for this path.`, {
        allow: allowed(route),
      });
    const isForAll = config.isPrivate !== true && (route.isOpen || isLoopback(config.host));
    const needsToken = method === 'POST' || !isForAll;
    if (needsToken) checkToken(config.token, request.headers.authorization);
    await handle(call);
  }

  #fail(response: ServerResponse, error: unknown): void {
    const problem = asProblem(error);
    if (problem.code === 'INTERNAL') this.#options.log.error({ err: error }, 'an HTTP call failed');
    // An answer that has begun cannot become an error: the client sees that it breaks off.
    if (response.headersSent) {
      response.destroy();
      return;
    }
    for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
    answerJson({ response }, problem.status, { code: codeOf(error, problem), message: problem.message });
  }
}

/** Errors of Tidemark keep their code and message; what else fails is told to the log alone. */
function asProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (!(error instanceof TidemarkError) || error.retry === 'bug')
    return new HttpProblem('INTERNAL', 'The call failed; the log of the coordinator says why.');
  if (error.code === 'REQUEST_REFUSED') return new HttpProblem('NOT_FOUND', error.message);
  return new HttpProblem(error.retry === 'transient' ? 'NOT_YET' : 'BAD_REQUEST', error.message);
}

function codeOf(error: unknown, problem: HttpProblem): string {
  return error instanceof TidemarkError && problem.code !== 'INTERNAL' ? error.code : problem.code;
}

function allowed({ get, post }: Route): string {
  return [...(get === null ? [] : ['GET', 'HEAD']), ...(post === null ? [] : ['POST'])].join(', ');
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
