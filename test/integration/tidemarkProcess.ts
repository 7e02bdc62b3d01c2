/** The real command in a process of its own, for tests that kill it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import path from 'node:path';

const BIN = path.resolve(import.meta.dirname, '../../bin/tidemark.js');

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class TidemarkProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #watchers = new Set<(line: LogLine) => void>();

  /** `bin`: of another version than this checkout's. `handlesMax`: what the system lets it hold open. */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    bin = BIN,
    handlesMax: number | null = null,
  ) {
    const command = [process.execPath, bin, ...args];
    const limited = handlesMax === null ? [] : ['sh', '-c', `ulimit -n ${handlesMax}; exec "$@"`, 'sh'];
    const [program = '', ...rest] = [...limited, ...command];
    const child = spawn(program, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    createInterface({ input: child.stderr }).on('line', (text) => {
      stderr += `${text}\n`;
      this.#see(text);
    });
    this.ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout,
      stderr,
    }));
  }

  #see(text: string): void {
    if (!text.startsWith('{')) return;
    const line = JSON.parse(text) as LogLine;
    this.#lines.push(line);
    for (const watcher of this.#watchers) watcher(line);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Every log line so far with this message. */
  lines(message: string): readonly LogLine[] {
    return this.#lines.filter((line) => line.msg.includes(message));
  }

  has(message: string): boolean {
    return this.lines(message).length > 0;
  }

  /**
   * Resolves at the next log line (or an earlier one) with this message; rejects where the process ends
   * before.
   */
  said(message: string, times = 1): Promise<void> {
    return this.saw(message, (line) => line.msg.includes(message), times);
  }

  /** The same for any log line; `what` describes it where the process ends before. */
  async saw(what: string, matches: (line: LogLine) => boolean, times = 1): Promise<void> {
    const isEnough = (): boolean => this.#lines.filter(matches).length >= times;
    if (isEnough()) return;
    const { promise, resolve } = Promise.withResolvers<'seen'>();
    const watcher = (): void => {
      if (isEnough()) resolve('seen');
    };
    this.#watchers.add(watcher);
    const first = await Promise.race([promise, this.ended]);
    this.#watchers.delete(watcher);
    if (first !== 'seen')
      throw new Error(`the process ended (${String(first.code)}) before it said "${what}":\n${first.stderr}`);
  }

  /** Resolves once a checkpoint of the partition (`topic/0`) has counted all below the offset. */
  counted(partition: string, offset: number): Promise<void> {
    return this.saw(
      `a checkpoint of ${partition} at ${offset}`,
      (line) =>
        line.msg.includes('checkpoint completed') &&
        line['partition'] === partition &&
        Number(line['nextOffset']) >= offset,
    );
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async killed(): Promise<ProcessEnd> {
    this.kill('SIGKILL');
    return this.ended;
  }
}

/** Runs the command to its end. */
export async function tidemark(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessEnd> {
  return new TidemarkProcess(args, env).ended;
}
