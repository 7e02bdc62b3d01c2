/** Runs one process at a time and measures its cost. Linux only: both figures come from /proc. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PeakMemory } from '../peakMemory.ts';

/** The kernel's unit of CPU time in /proc, the same on every Linux. */
const TICKS_PER_SECOND = 100;
const TAIL_LINES = 15;

export interface ProcessCost {
  /** From start to exit. */
  readonly seconds: number;
  /** User and system time of the process and of all children that it has waited for. */
  readonly cpuSeconds: number;
  readonly peakMemoryMiB: number;
}

export interface ProcessOptions {
  readonly what: string;
  /** Kills the process when aborted; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * A process of the bench. Dies with the bench; its last output lines are kept for the message if it fails.
 */
export class BenchProcess {
  readonly child: ChildProcess;
  /** Resolves with the exit code, null after a signal. Rejects if the start failed, or after an abort. */
  readonly ended: Promise<number | null>;
  readonly #watchers = new Set<(line: string) => void>();
  readonly #tail: string[] = [];
  readonly #what: string;

  constructor(command: string, args: readonly string[], { what, signal, cwd }: ProcessOptions) {
    signal?.throwIfAborted();
    this.#what = what;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd });
    this.child = child;
    running.add(child);
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        this.#tail.push(line);
        if (this.#tail.length > TAIL_LINES) this.#tail.shift();
        for (const watcher of this.#watchers) watcher(line);
      });
    }
    const kill = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', kill, { once: true });
    this.ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        if (signal?.aborted === true) reject(signal.reason as Error);
        else resolve(code);
      });
    }).finally(() => {
      running.delete(child);
      signal?.removeEventListener('abort', kill);
    });
    this.ended.catch(() => undefined); // the caller that awaits it gets the error; nobody has to
  }

  onLine(watcher: (line: string) => void): void {
    this.#watchers.add(watcher);
  }

  /** Resolves with the first such line and its time (performance.now). Rejects if the process ends before. */
  async said(matches: (line: string) => boolean): Promise<{ readonly line: string; readonly atMs: number }> {
    const { promise, resolve } = Promise.withResolvers<{ line: string; atMs: number }>();
    const watcher = (line: string): void => {
      if (matches(line)) resolve({ line, atMs: performance.now() });
    };
    this.#watchers.add(watcher);
    const first = await Promise.race([promise, this.ended.then((code) => ({ code }))]);
    this.#watchers.delete(watcher);
    if ('line' in first) return first;
    throw this.failure(first.code);
  }

  failure(code: number | null): Error {
    return new Error(`${this.#what} ended with ${String(code)}:\n${this.#tail.join('\n')}`);
  }

  async killed(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs a process to its end. Rejects if its exit code is not 0. No other child may end meanwhile. */
export async function measureProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<ProcessCost> {
  const cpuBefore = cpuSecondsOfChildren();
  const startedMs = performance.now();
  const process_ = new BenchProcess(command, args, options);
  const memory = new PeakMemory(process_.child.pid ?? 0);
  try {
    const code = await process_.ended;
    const seconds = (performance.now() - startedMs) / 1000;
    if (code !== 0) throw process_.failure(code);
    return { seconds, cpuSeconds: cpuSecondsOfChildren() - cpuBefore, peakMemoryMiB: memory.stop() };
  } finally {
    memory.stop();
  }
}

/**
 * Of all children that have ended and were waited for. This is exact; polling a process would miss its end.
 */
function cpuSecondsOfChildren(): number {
  const { cutime, cstime } = ticksOf('self');
  return (cutime + cstime) / TICKS_PER_SECOND;
}

/** User and system time of a running process so far. */
export function cpuSecondsOf(pid: number): number {
  const { utime, stime } = ticksOf(String(pid));
  return (utime + stime) / TICKS_PER_SECOND;
}

/** CPU time of all cores since the start of the machine: what was used, and what there was. */
export function machineTicks(): { readonly busy: number; readonly all: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  // user nice system idle iowait irq softirq steal; the guests' are in user already.
  const ticks = line.split(/ +/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, one) => sum + one, 0);
  const [idle = NaN, waiting = NaN] = ticks.slice(3, 5);
  return { busy: all - idle - waiting, all };
}

function ticksOf(pid: string): Record<'utime' | 'stime' | 'cutime' | 'cstime', number> {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything, so count from after it: utime is field 14, and the others
  // follow.
  const [utime = NaN, stime = NaN, cutime = NaN, cstime = NaN] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return { utime, stime, cutime, cstime };
}
