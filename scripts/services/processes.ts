import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Distinguishes a process from every other that ever had its pid: boot id and start time on Linux, the start
 * time elsewhere. Undefined if there is no such process. A zombie counts as none: nobody may be there to reap
 * it.
 */
export function processIdentity(pid: number): string | undefined {
  if (!existsSync('/proc/self/stat')) return identityFromPs(pid);
  const stat = readStat(`/proc/${String(pid)}/stat`);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${stat.startTime}`;
}

/** Undefined if there is no such process or thread (any more). */
function readStat(file: string): { state: string; startTime: string } | undefined {
  let stat: string;
  try {
    stat = readFileSync(file, 'utf8');
  } catch {
    return undefined; // it ended
  }
  // The name in parentheses may contain anything, so count fields after it: state is field 3, start time 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

/** Whether a SIGSTOP has reached every thread of a process. Assumed to be so if there is no /proc. */
export function isStopped(pid: number): boolean {
  const tasks = `/proc/${String(pid)}/task`;
  if (!existsSync(tasks)) return true;
  return readdirSync(tasks).every((task) => (readStat(`${tasks}/${task}/stat`)?.state ?? 'T') === 'T');
}

function identityFromPs(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined; // ps exits 1 if there is no such process
  }
}

export function isSameProcess(pid: number, identity: string): boolean {
  return processIdentity(pid) === identity;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends that process: SIGTERM, then SIGKILL if it still runs after `graceMs`. Resolves when it is gone. */
export async function endProcess(pid: number, identity: string, graceMs: number): Promise<void> {
  const killAt = Date.now() + graceMs;
  if (isSameProcess(pid, identity)) signal(pid, 'SIGTERM');
  while (isSameProcess(pid, identity)) {
    if (Date.now() >= killAt) signal(pid, 'SIGKILL');
    await delay(20);
  }
}

/** The full path of a command on PATH, or undefined. */
export function findCommand(name: string): string | undefined {
  for (const dir of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(dir, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue; // not in this folder
    }
  }
  return undefined;
}

export type RunOptions = {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal | undefined;
  readonly stdin?: string | Uint8Array;
  /** Called with each line of standard output and error as it arrives. */
  readonly onLine?: (line: string) => void;
};

export type CommandOutput = { readonly stdout: string; readonly stderr: string };

/** Runs a command to its end. Rejects with its last lines if it does not exit with 0. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandOutput> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
    ...(options.signal && { signal: options.signal }),
  });
  const tail: string[] = [];
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    createInterface({ input: child[name] }).on('line', (line) => {
      tail.push(line);
      if (tail.length > 15) tail.shift();
      options.onLine?.(line);
    });
  }
  const result = new Promise<CommandOutput>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ended with ${String(code ?? killedBy)}:\n${tail.join('\n')}`));
    });
  });
  // A command that ends without reading all of its input reports the reason by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin);
  return result;
}

export async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await runCommand(command, args);
    return true;
  } catch {
    return false; // the failure is the answer
  }
}

/**
 * A free loopback port below the range from which the kernel picks source ports. In that range, a client that
 * retries while its server is down can be given the server's own port, and so keep it from coming back.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await canListen(port)) return port;
  }
  throw new Error('found no free loopback port between 20000 and 32000');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
