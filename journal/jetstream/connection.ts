/**
 * The connection to NATS. Waits for the first connection with clear messages, then reconnects forever.
 *
 * While it is down, nothing is sent: the client would buffer published messages and send them much later.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, errors, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import { authentication, checkTlsFiles, type NatsAccess } from './access.ts';
import { certificateRefused, certificateWanted, connectProblem } from './connectError.ts';
import { certificateRefusal, wantsCertificate } from './handshake.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const CONNECT_RETRY_MS = 500;
const RECONNECT_WAIT_MS = 250;
const DRAIN_LIMIT_MS = 2_000;
/**
 * A server that answers no ping for twice this long is considered gone: a cut cable does not close the
 * socket.
 */
const PING_INTERVAL_MS = 5_000;
/** The server's default; used only until the first connection announces the actual limit. */
const PAYLOAD_BYTES_DEFAULT = 1024 * 1024;

export interface NatsConnectionOptions extends NatsAccess {
  /**
   * `nats://host:port`, `tls://host:port` or `host:port`. A user and password in it are used if no others are
   * given.
   */
  readonly servers: readonly string[];
  /** How long to wait for a server that does not answer yet; forever if omitted. */
  readonly waitForServerMs?: number;
  /** Ends that wait; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called with one sentence when the connection is awaited, lost, restored or refused; for logs. */
  readonly onWarning: (message: string) => void;
}

/** Rest of a time limit, in monotonic milliseconds. */
export interface Deadline {
  remainingMs(): number;
}

export function deadlineIn(limitMs: number | undefined): Deadline {
  const endMs = limitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + limitMs;
  return { remainingMs: () => Math.max(0, endMs - performance.now()) };
}

/**
 * Resolves with the first connection. Rejects with CONFIG_INVALID for invalid addresses and files,
 * JOURNAL_AUTHENTICATION if the server refuses the credentials, the certificates or TLS.
 */
export async function connectNats(options: NatsConnectionOptions, deadline: Deadline): Promise<NatsLink> {
  const addresses = options.servers.map((server, index) => parseServer(server, index));
  const where = addresses.map(({ hostPort }) => hostPort).join(', ');
  const auth = authentication(options, addresses);
  checkTlsFiles(options.tls);
  let warned = false;
  for (;;) {
    options.signal?.throwIfAborted();
    await checkCertificate(options, addresses);
    try {
      const nc = await connect({
        servers: addresses.map(({ hostPort }) => hostPort),
        name: 'tidemark',
        ...auth,
        ...tlsOptions(options, addresses),
        timeout: Math.max(1, Math.min(CONNECT_TIMEOUT_MS, deadline.remainingMs())),
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        ignoreAuthErrorAbort: true,
        pingInterval: PING_INTERVAL_MS,
        noAsyncTraces: true,
      });
      return new NatsLink(nc, where, options.onWarning);
    } catch (cause) {
      const problem = await problemOf(cause, options, addresses);
      if (problem.retry === 'config' || deadline.remainingMs() <= CONNECT_RETRY_MS) throw problem;
      if (!warned) options.onWarning(`${problem.message} Waiting for it.`);
      warned = true;
      await delay(
        CONNECT_RETRY_MS,
        undefined,
        options.signal === undefined ? {} : { signal: options.signal },
      );
    }
  }
}

async function problemOf(
  cause: unknown,
  { tls }: NatsConnectionOptions,
  addresses: readonly ServerAddress[],
): Promise<TidemarkError> {
  const where = addresses.map(({ hostPort }) => hostPort).join(', ');
  const problem = connectProblem(cause, where);
  if (!(cause instanceof errors.TimeoutError) || tls?.certFile !== undefined) return problem;
  for (const { hostPort } of addresses)
    if (await wantsCertificate(hostPort)) return certificateWanted(where, cause);
  return problem;
}

/** Before the client connects: one whose certificate is refused goes on trying after it has given up. */
async function checkCertificate({ tls }: NatsConnectionOptions, addresses: readonly ServerAddress[]) {
  if (tls?.certFile === undefined) return;
  for (const { hostPort } of addresses) {
    const refusal = await certificateRefusal(hostPort, tls);
    if (refusal !== null) throw certificateRefused(hostPort, refusal);
  }
}

interface ServerAddress {
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user: string;
  readonly pass: string;
}

/** The client ignores a user and password in an address, and would repeat them in its errors. */
function parseServer(server: string, index: number): ServerAddress {
  const text = server.includes('://') ? server : `nats://${server}`;
  if (!URL.canParse(text)) throw badAddress(index);
  const url = new URL(text);
  if (!['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') throw badAddress(index);
  return {
    hostPort: `${url.hostname}:${url.port === '' ? '4222' : url.port}`,
    secure: url.protocol === 'tls:',
    user: decodeURIComponent(url.username),
    pass: decodeURIComponent(url.password),
  };
}

function badAddress(index: number): TidemarkError {
  return new TidemarkError(
    'CONFIG_INVALID',
    `Server ${index + 1} of the NATS journal is no address: write nats://host:port or tls://host:port.`,
  );
}

function tlsOptions(
  { tls }: NatsConnectionOptions,
  addresses: readonly ServerAddress[],
): NodeConnectionOptions {
  if (tls === undefined && !addresses.some(({ secure }) => secure)) return {};
  return { tls: { ...tls } };
}

export class NatsLink {
  readonly nc: NatsConnection;
  readonly #where: string;
  readonly #onWarning: (message: string) => void;
  readonly #lossListeners = new Set<(error: TidemarkError) => void>();
  /** Called when the connection is up again, or never will be. */
  readonly #waiters = new Set<(isUp: boolean) => void>();
  #up = true;
  #payloadBytesMax: number;

  constructor(nc: NatsConnection, where: string, onWarning: (message: string) => void) {
    this.nc = nc;
    this.#where = where;
    this.#onWarning = onWarning;
    this.#payloadBytesMax = nc.info?.max_payload ?? PAYLOAD_BYTES_DEFAULT;
    void this.#follow();
  }

  get isUp(): boolean {
    return this.#up && !this.nc.isClosed();
  }

  /** Largest message in bytes, headers included, that the server accepts. */
  get payloadBytesMax(): number {
    return this.#payloadBytesMax;
  }

  /** An error that says that the server does not answer; contains nothing secret. */
  unavailable(what: string, cause?: unknown): TidemarkError {
    return new JournalFailure('unavailable', `The NATS journal at ${this.#where} ${what}.`, {
      fields: { servers: this.#where },
      cause,
    });
  }

  /** Closed by this process; it does not come back. */
  get isClosed(): boolean {
    return this.nc.isClosed();
  }

  /**
   * Resolves when the connection is up. Rejects with JOURNAL_UNAVAILABLE after `withinMs`, and when it is
   * closed.
   */
  async whenUp(withinMs: number): Promise<void> {
    if (this.isUp) return;
    if (this.isClosed) throw this.unavailable('was closed');
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), withinMs);
    this.#waiters.add(resolve);
    try {
      if (!(await promise)) throw this.unavailable('is not connected');
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(resolve);
    }
  }

  /** Calls `listener` when the connection is lost. Returns a function that stops it. */
  onLoss(listener: (error: TidemarkError) => void): () => void {
    this.#lossListeners.add(listener);
    return () => this.#lossListeners.delete(listener);
  }

  /** Waits for a request, but only while the connection is up: the reply cannot arrive over another one. */
  async during<T>(work: Promise<T>): Promise<T> {
    const lost = Promise.withResolvers<never>();
    const stop = this.onLoss((error) => lost.reject(error));
    try {
      return await Promise.race([work, lost.promise]);
    } finally {
      stop();
    }
  }

  /** Sends what is still buffered, but does not wait for a server that does not answer. */
  async close(): Promise<void> {
    if (this.nc.isClosed()) return;
    for (const waiter of this.#waiters) waiter(false);
    const limit = new AbortController();
    const drained = this.isUp && !this.nc.isDraining() ? this.nc.drain() : Promise.resolve();
    const ended = Promise.allSettled([drained]);
    await Promise.race([ended, delay(DRAIN_LIMIT_MS, undefined, { signal: limit.signal, ref: false })]);
    limit.abort();
    await this.nc.close();
  }

  async #follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      switch (status.type) {
        case 'disconnect':
          this.#lost();
          break;
        case 'reconnect':
          this.#regained();
          break;
        case 'error':
          this.#onWarning(`NATS at ${this.#where} says: ${status.error.message}`);
          break;
        default:
          break;
      }
    }
  }

  #lost(): void {
    if (!this.#up) return;
    this.#up = false;
    if (!this.nc.isDraining())
      this.#onWarning(`The connection to NATS at ${this.#where} was lost; reconnecting.`);
    const error = this.unavailable('was disconnected');
    for (const listener of [...this.#lossListeners]) listener(error);
  }

  #regained(): void {
    this.#up = true;
    this.#payloadBytesMax = this.nc.info?.max_payload ?? this.#payloadBytesMax;
    this.#onWarning(`Connected to NATS at ${this.#where} again.`);
    for (const waiter of this.#waiters) waiter(true);
  }
}
