/** A nats-server with just the configuration of a test: one that startNats could not ask whether it is up. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { logToStderr } from '../../../scripts/services/common.ts';
import { ensureNatsServer } from '../../../scripts/services/download.ts';
import { freePort } from '../../../scripts/services/processes.ts';

export class PlainNats implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  /** Starts it without waiting until it answers; STORE in the configuration becomes a folder of its own. */
  static async start(folder: string, config: string): Promise<PlainNats> {
    const own = mkdtempSync(path.join(folder, 'server-'));
    const port = await freePort();
    const file = path.join(own, 'nats.conf');
    const text = config.replace('STORE', path.join(own, 'data'));
    writeFileSync(file, `listen: "127.0.0.1:${port}"\n${text}\n`);
    const command = await ensureNatsServer(logToStderr);
    return new PlainNats(port, spawn(command, ['--config', file], { stdio: 'ignore' }));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
