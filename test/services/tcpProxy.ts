/**
 * A TCP proxy on loopback between a client and a server, for tests that lose what is on the wire. It loses
 * whole directions, as a network does: bytes in the middle of a stream cannot be lost without the connection.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

type Rule =
  | { readonly type: 'pass' }
  /**
   * Nothing reaches the other side of `lost` any more; with the first bytes that hold `until` all connections
   * are cut.
   */
  | { readonly type: 'lose'; readonly lost: Direction; readonly until: string; readonly onCut: () => void }
  /** Connections stay open, and nothing gets through either way. */
  | { readonly type: 'silent' };

type Direction = 'requests' | 'replies';

export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #rule: Rule = { type: 'pass' };

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts a proxy to a port of loopback. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (client) =>
      proxy.#join(client, connect({ host: '127.0.0.1', port: targetPort })),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * The next request that holds `text` never arrives, and the connection is lost. Resolves when that has
   * happened.
   */
  loseRequest(text: string): Promise<void> {
    return this.#lose('requests', text);
  }

  /**
   * The next reply that holds `text` never comes back, although its request arrived. Resolves when that has
   * happened.
   */
  loseReply(text: string): Promise<void> {
    return this.#lose('replies', text);
  }

  /** Swallows everything from now on and leaves the connections open, until `pass`. */
  silence(): void {
    this.#rule = { type: 'silent' };
  }

  /** Cuts what was silent and lets new connections through. */
  pass(): void {
    this.#rule = { type: 'pass' };
    this.cut();
  }

  /** Ends every connection; new ones are let through by the rule that stands. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #lose(lost: Direction, until: string): Promise<void> {
    return new Promise((resolve) => {
      this.#rule = { type: 'lose', lost, until, onCut: resolve };
    });
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to, direction] of [
      [client, server, 'requests'],
      [server, client, 'replies'],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => this.#carry(bytes, to, direction));
      // A reset is what a proxy is for; the close that follows ends the other side too.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  #carry(bytes: Buffer, to: Socket, direction: Direction): void {
    const rule = this.#rule;
    if (rule.type === 'silent') return;
    if (rule.type === 'pass' || rule.lost !== direction) {
      to.write(bytes);
      return;
    }
    if (!bytes.includes(rule.until)) return;
    this.pass();
    rule.onCut();
  }
}
