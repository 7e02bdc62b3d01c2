/** The entry of the command line: `bin/tidemark.js` calls `main`. */
import { CommanderError } from 'commander';
import { TidemarkError } from '../../journal/errors.ts';
import { createLossyOutput } from '../telemetry/lossyOutput.ts';
import { EXIT_CONFIG, EXIT_FAILURE, EXIT_OK, exitCodeOf, exitCodeOfSignal } from './exitCodes.ts';
import type { CliIo, StopSignal } from './io.ts';
import { endGivenUp, endStuck, endWithin, exitNow } from './processEnd.ts';
import { createProgram } from './program.ts';
import { jsonText, reportError } from './report.ts';

/** Runs one command; resolves with the exit code and never rejects. `args` start after the program's name. */
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
const GIVEN_UP_MS = 50;

/** Calls back at every signal until the returned function is called. */
export type OnSignal = (listener: (signal: StopSignal) => void) => () => void;

export interface MainOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Listens since before anything was loaded. It has one listener at a time, the latest. */
  readonly onSignal: OnSignal;
}

/** Runs one command in the real process; resolves with its exit code. */
export async function main({ args, env, onSignal }: MainOptions): Promise<number> {
  let wasAsked = false;
  const io = processIo(env, (listener) =>
    onSignal((signal) => {
      wasAsked = true;
      listener(signal);
    }),
  );
  let answerError: Error | null = null;
  process.stdout.on('error', (error: Error) => {
    if (!isClosedPipe(error)) answerError = error;
  });
  let code = await runCli(args, io);
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  const lost = answerError as Error | null;
  if (lost !== null) {
    io.stderr.write(`tidemark: the answer could not be written: ${lost.message}\n`);
    if (code === EXIT_OK) code = EXIT_FAILURE;
  }
  onSignal((signal) => exitNow(wasAsked ? exitCodeOfSignal(signal) : code));
  // What was given up on at a signal still waits for what is unavailable. That is known, and no reason to
  // stay.
  const tell = (text: string): void => void io.stderr.write(text);
  if ((wasAsked as boolean) && code !== EXIT_OK)
    setTimeout(() => endGivenUp(code, tell), GIVEN_UP_MS).unref();
  setTimeout(() => endStuck(code, tell), LINGER_MS).unref();
  return code;
}

/** The io of the real process; `examples/start.ts` uses it too. */
export function processIo(env: MainOptions['env'], onSignal: OnSignal = listenToProcess): CliIo {
  // The reader of the log may exit (`| head`), or its disk may be full: that must not stop a running job.
  process.stderr.on('error', () => undefined);
  const stderr = createLossyOutput(process.stderr, () => new Date().toISOString());
  return {
    stdout: process.stdout,
    stderr,
    env,
    cwd: process.cwd(),
    nowMs: () => performance.now(),
    onSignal,
    exitNow,
    endWithin: (limitMs, code) => endWithin(limitMs, code, (text) => stderr.write(text)),
    loadBackend: () => import('../app/application.ts').then(({ backend }) => backend),
  };
}

function listenToProcess(listener: (signal: StopSignal) => void): () => void {
  const signals: readonly StopSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}
