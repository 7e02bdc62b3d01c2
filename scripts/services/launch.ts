import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from './common.ts';
import { processIdentity } from './processes.ts';

export type LaunchOptions<Answer> = {
  /** For messages: `Kafka 4.1.1 on 127.0.0.1:20092`. */
  readonly what: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output and error are appended to it. */
  readonly logFile: string;
  /** Detached servers outlive this process. */
  readonly detached: boolean;
  /** Asks the server; rejects while it is not up, or if another server answers in its place. */
  readonly probe: () => Promise<Answer>;
  readonly timeoutMs: number;
  readonly pollMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the process as soon as it exists, before it answers. */
  readonly onSpawn?: ((spawned: Spawned) => void) | undefined;
};

/** A process, distinct from every other that has or had its pid. */
export type Spawned = { readonly pid: number; readonly identity: string };

export type Launched<Answer> = Spawned & { readonly child: ChildProcess; readonly answer: Answer };

/** The port was taken between choosing it and listening on it: another port may work. */
export class PortTakenError extends Error {
  override name = 'PortTakenError';
}

/** Starts a server; resolves when it answers its probe. On any failure it is killed first. */
export async function launch<Answer>(options: LaunchOptions<Answer>): Promise<Launched<Answer>> {
  const { command, args, detached } = options;
  options.signal?.throwIfAborted();
  const log = openSync(options.logFile, 'a');
  const child = spawn(command, args, { detached, stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(`ended with ${String(code ?? signal)}`));
  });
  const pid = child.pid ?? -1; // without a pid, `ended` has the reason
  const identity = processIdentity(pid) ?? '';
  try {
    if (child.pid !== undefined) options.onSpawn?.({ pid, identity });
    const answer = await waitUntilUp(options, child, ended);
    if (detached) child.unref();
    return { child, pid, identity, answer };
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  }
}

async function waitUntilUp<Answer>(
  options: LaunchOptions<Answer>,
  child: ChildProcess,
  ended: Promise<string>,
): Promise<Answer> {
  const { what, logFile, probe, timeoutMs, pollMs, signal } = options;
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const result = await Promise.race([
      probe().then(
        (answer) => ({ answer }),
        (error: unknown) => ({ failure: messageOf(error) }),
      ),
      ended.then((end) => ({ end })),
    ]);
    if ('answer' in result && child.exitCode === null && child.signalCode === null) return result.answer;
    if ('end' in result) {
      const tail = lastLines(logFile);
      const message = `${what} ${result.end}. The end of ${logFile}:\n${tail}`;
      throw /address already in use|BindException/i.test(tail)
        ? new PortTakenError(message)
        : new Error(message);
    }
    if (Date.now() >= giveUpAt) {
      const why = 'failure' in result ? result.failure : 'it ended';
      const waited = `${String(timeoutMs / 1000)} s`;
      throw new Error(
        `${what} did not answer within ${waited} (${why}). The end of ${logFile}:\n${lastLines(logFile)}`,
      );
    }
    await delay(pollMs, undefined, signal && { signal });
  }
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-25).join('\n');
}

/** Runs `attempt` again with fresh ports if another process took one in the meantime. */
export async function withFreshPorts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = 3; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PortTakenError) || left === 0) throw error;
    }
  }
}
