/** `tidemark run`: the coordinator, with its log, its progress and its signals. */
import type { JobConfig } from '../../config/jobConfig.ts';
import type { Log } from '../../telemetry/log.ts';
import { pacedLog } from '../../telemetry/pacedLog.ts';
import { createPinoLog, type LogFormat, type LogLevel } from '../../telemetry/pinoLog.ts';
import { createLoggedProgress, createTerminalProgress, type ProgressDisplay } from '../progress.ts';
import { createScreen } from '../../telemetry/screen.ts';
import type { RunReport } from '../../app/contract.ts';
import { EXIT_FAILURE, EXIT_OK, exitCodeOf, exitCodeOfSignal } from '../exitCodes.ts';
import type { CliIo, StopSignal } from '../io.ts';
import type { RunChoices } from '../../sources/port.ts';
import { committedLines, stoppedLines } from '../runText.ts';

export interface RunCommandOptions extends RunChoices {
  readonly moveSink?: boolean;
  readonly moveGroup?: boolean;
  readonly logLevel: LogLevel;
  /** Without it: for people on a terminal, else JSON. */
  readonly logFormat?: LogFormat;
  /** Node replaces the handling of SIGHUP that nohup set, and cannot detect that it did. */
  readonly ignoreSighup?: boolean;
}

export async function runCommand(config: JobConfig, options: RunCommandOptions, io: CliIo): Promise<number> {
  const report = await runWithDisplay(config, options, io);
  io.stdout.write(text(committedLines(report, config.sink.uri)));
  io.stderr.write(text(stoppedLines(report)));
  return exitCodeOfReport(report);
}

export function exitCodeOfReport(report: RunReport): number {
  return report.stoppedPartitions.length === 0 ? EXIT_OK : EXIT_FAILURE;
}

/** Runs the job. Logs and progress go to standard error, nothing to standard output. */
export async function runWithDisplay(
  config: JobConfig,
  options: RunCommandOptions,
  io: CliIo,
): Promise<RunReport> {
  const display = createDisplay(options, io);
  const { log, progress } = display;
  for (const warning of config.warnings) log.warn({}, warning);
  const stop = new AbortController();
  const end: End = { limitMs: config.shutdown.timeoutMs, code: EXIT_FAILURE };
  const forget = io.onSignal(signalHandler(stop, end, log, options, io));
  try {
    const { runJob } = await io.loadBackend();
    const report = await runJob(config, {
      ...options,
      moves: [
        ...(options.moveSink === true ? (['sink'] as const) : []),
        ...(options.moveGroup === true ? (['group'] as const) : []),
      ],
      signal: stop.signal,
      log,
      onProgress: (state) => {
        progress.update(state);
      },
    });
    end.code = exitCodeOfReport(report);
    return report;
  } catch (error) {
    end.code = exitCodeOf(error);
    throw error;
  } finally {
    forget();
    progress.end();
  }
}

function createDisplay(
  { logLevel: level, logFormat }: RunCommandOptions,
  { stderr, nowMs }: CliIo,
): { log: Log; progress: ProgressDisplay } {
  const isTerminal = stderr.isTTY === true;
  const isHuman = logFormat === undefined ? isTerminal : logFormat === 'pretty';
  const logOf = (write: (lines: string) => void, hasColour: boolean): Log =>
    pacedLog(createPinoLog({ level, isHuman, hasColour, write }), nowMs);
  if (!isTerminal || !isHuman) {
    const log = logOf((line) => void stderr.write(line), false);
    return { log, progress: createLoggedProgress(log, nowMs) };
  }
  const screen = createScreen(stderr);
  const log = logOf((lines) => screen.writeLines(lines), true);
  return { log, progress: createTerminalProgress(screen, nowMs) };
}

/** How long the end may take, and the exit code at that time. */
interface End {
  readonly limitMs: number;
  code: number;
}

/** The first signal requests an orderly end; the second one does not wait for it. */
function signalHandler(
  stop: AbortController,
  end: End,
  log: Log,
  { ignoreSighup = false }: RunCommandOptions,
  io: CliIo,
): (signal: StopSignal) => void {
  return (signal) => {
    if (signal === 'SIGHUP' && ignoreSighup) return;
    if (!stop.signal.aborted) {
      log.info({ signal }, 'stopping after a last checkpoint; the same signal once more exits at once');
      io.endWithin(end.limitMs, () => end.code);
      stop.abort();
      return;
    }
    log.warn({ signal }, 'exiting at once: the next run settles from the journal what is left open');
    io.exitNow(exitCodeOfSignal(signal));
  };
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
