import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Credential } from './auth/credentials.ts';
import type { Fault } from './faults.ts';
import type { Call } from './server.ts';

const MAIN = path.resolve(import.meta.dirname, 'main.ts');

/** The server in its own process, for tests that kill it and restart it on its folder. */
export class OssServerProcess {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, ended: Promise<unknown>, address: string) {
    this.#child = child;
    this.#ended = ended;
    this.address = address;
  }

  /** Takes the options of main.ts; `--port` of an earlier process keeps its address. */
  static async start(dir: string, ...options: readonly string[]): Promise<OssServerProcess> {
    const args = [MAIN, '--dir', dir, ...options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    const firstLine = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    const said = await Promise.race([firstLine, ended.then(() => null)]);
    if (said === null) throw new Error(`the OSS server ended (${String(child.exitCode)}) before it listened`);
    const { address } = JSON.parse(said[0]) as { address: string };
    return new OssServerProcess(child, ended, address);
  }

  get port(): string {
    return this.address.split(':')[1] ?? '';
  }

  async arm(fault: Fault): Promise<void> {
    await this.#control('PUT', 'faults', JSON.stringify(fault));
  }

  async disarm(): Promise<void> {
    await this.#control('DELETE', 'faults');
  }

  /** How many hits the armed faults have left. */
  async faultsLeft(): Promise<number> {
    return ((await this.#control('GET', 'faults')) as { left: number }).left;
  }

  async calls(): Promise<readonly Call[]> {
    return (await this.#control('GET', 'calls')) as Call[];
  }

  async expireLease(clientName: string): Promise<void> {
    await this.#control('POST', `expire?client=${encodeURIComponent(clientName)}`);
  }

  /** Accepts one more key, or another token or end of one. */
  async addCredential(credential: Credential): Promise<void> {
    await this.#control('PUT', 'credentials', JSON.stringify(credential));
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }

  async #control(method: string, what: string, body?: string): Promise<unknown> {
    const url = `http://${this.address}/-/${what}`;
    const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) });
    if (!response.ok)
      throw new Error(`${method} ${url}: ${String(response.status)} ${await response.text()}`);
    return response.json();
  }
}
