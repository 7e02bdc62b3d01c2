/** What a command touches of the world around the process; tests bring their own. */
import type { TextOutput } from '../telemetry/screen.ts';
import type { Backend } from '../app/contract.ts';

export type StopSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

export interface CliIo {
  /** Answers. With --json one document. */
  readonly stdout: TextOutput;
  /** Logs, progress, errors. */
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Calls back at every SIGHUP, SIGINT and SIGTERM until the returned function is called. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => () => void;
  /** Ends the process now, whatever hangs. */
  readonly exitNow: (code: number) => void;
  /** Ends the process after this time, whatever hangs; `code` is asked then for what its exit code is to be. */
  readonly endWithin: (limitMs: number, code: () => number) => void;
  /** Loaded late, so that help is fast. */
  readonly loadBackend: () => Promise<Backend>;
}
