/** What a command uses of the world outside the process; tests supply their own. */
import type { TextOutput } from '../telemetry/screen.ts';
import type { Backend } from '../app/contract.ts';

export type StopSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

export interface CliIo {
  /** Answers; with --json one document. */
  readonly stdout: TextOutput;
  /** Logs, progress, errors. */
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number;
  /** Calls back at every SIGHUP, SIGINT and SIGTERM until the returned function is called. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => () => void;
  /** Ends the process now, even if something hangs. */
  readonly exitNow: (code: number) => void;
  /** Ends the process after this time, even if something hangs; `code` then returns the exit code. */
  readonly endWithin: (limitMs: number, code: () => number) => void;
  /** Loaded late, so that help is fast. */
  readonly loadBackend: () => Promise<Backend>;
}
