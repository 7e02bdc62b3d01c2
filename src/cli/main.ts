/** The entry of the command line: `bin/tidemark.js` calls `main`. */
import { CommanderError } from 'commander';
import { TidemarkError } from '../../journal/errors.ts';
import { EXIT_CONFIG, EXIT_OK, exitCodeOf } from './exitCodes.ts';
import type { CliIo, StopSignal } from './io.ts';
import { createProgram } from './program.ts';
import { jsonText, reportError } from './report.ts';

/** Runs one command; resolves with the exit code and never rejects. `args` begin behind the program's name. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const isJson = args.includes('--json');
  const program = createProgram(io);
  try {
    await program.command.parseAsync(args, { from: 'user' });
    return program.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, io, isJson);
    reportError(error, io, isJson);
    return exitCodeOf(error);
  }
}

/** Commander has already written its lines to standard error. */
function usage(error: CommanderError, { stdout }: CliIo, isJson: boolean): number {
  if (error.exitCode === 0) return EXIT_OK;
  if (isJson) {
    const { code, message, fields } = new TidemarkError('USAGE', error.message.replace(/^error: /, ''), {
      cause: error,
    });
    stdout.write(jsonText({ error: { code, message, fields } }));
  }
  return EXIT_CONFIG;
}

const LINGER_MS = 5000;

export interface MainOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The same for the real process; resolves with its exit code. */
export async function main({ args, env }: MainOptions): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
  const code = await runCli(args, processIo(env));
  setTimeout(() => exitLingering(code), LINGER_MS).unref();
  return code;
}

/** Everything is done, but a client's socket or timer keeps the process. */
function exitLingering(code: number): void {
  process.stderr.write('tidemark: done, but a connection was not closed; exiting all the same\n');
  process.exit(code);
}

/** What the real process offers; `examples/start.ts` uses it too. */
export function processIo(env: MainOptions['env']): CliIo {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env,
    cwd: process.cwd(),
    nowMs: () => performance.now(),
    onSignal,
    exitNow: (code) => process.exit(code),
    loadBackend: () => import('../backend.ts').then(({ backend }) => backend),
  };
}

function onSignal(listener: (signal: StopSignal) => void): () => void {
  const signals: readonly StopSignal[] = ['SIGINT', 'SIGTERM'];
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

/** Who reads the answer or the log may go away (`| head`); that must not stop a running job. */
function ignoreClosedPipe(error: Error): void {
  const isClosed = 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
  if (!isClosed) throw error;
}
