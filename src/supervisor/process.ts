/** One process of a supervisor: a coordinator, started with the same program. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isProcessMessage, type StopMessage } from './messages.ts';

export interface ProcessEnd {
  /** Null: a signal ended it, or it could not be started. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Code of the error that it ended with, as it told. Null: it told none. */
  readonly errorCode: string | null;
  /** Why it could not be started. Null: it was. */
  readonly notStarted: string | null;
}

export interface ProcessListener {
  /** A whole line of its output, without the line feed. */
  line(text: string, stream: 'stdout' | 'stderr'): void;
  listening(port: number): void;
}

export interface StartedProcess {
  readonly pid: number | null;
  readonly ended: Promise<ProcessEnd>;
  /** Asks for its end, as a first signal does. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

export type StartProcess = (index: number, listener: ProcessListener) => StartedProcess;

export interface ProgramStart {
  /** Program and arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * In a session of its own: a signal of the terminal goes to the supervisor alone, which asks each process for
 * its end once. A process whose supervisor is gone sees its channel close, and ends.
 */
export function startProgram(
  { command: [program, ...args], cwd, env }: ProgramStart,
  listener: ProcessListener,
): StartedProcess {
  const child = spawn(program, args, {
    ...{ cwd, env: { ...env }, detached: true },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let errorCode: string | null = null;
  child.on('message', (message) => {
    if (!isProcessMessage(message)) return;
    if (message.type === 'listening') listener.listening(message.port);
    else errorCode = message.code;
  });
  const lines = Promise.all([
    linesOf(child.stdout, (text) => listener.line(text, 'stdout')),
    linesOf(child.stderr, (text) => listener.line(text, 'stderr')),
  ]);
  const ended = endOf(child, () => errorCode).then(async (end) => {
    if (end.notStarted === null) await lines;
    return end;
  });
  return {
    pid: child.pid ?? null,
    ended,
    stop: () => {
      const message: StopMessage = { type: 'stop' };
      // It may have ended just now.
      if (child.connected) child.send(message, () => undefined);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function endOf(child: ChildProcess, errorCode: () => string | null): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      resolve({ code: null, signal: null, errorCode: null, notStarted: error.message });
    });
    // Not `exit`: what it has said last is still in its pipes.
    child.once('close', (code, signal) => {
      resolve({ code, signal, errorCode: errorCode(), notStarted: null });
    });
  });
}

function linesOf(stream: Readable | null, tell: (text: string) => void): Promise<void> {
  if (stream === null) return Promise.resolve();
  return new Promise((resolve) => {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', tell).on('close', resolve);
  });
}
