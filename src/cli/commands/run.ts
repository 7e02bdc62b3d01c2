/** `tidemark run`: the coordinator, with its log, its progress and its signals. */
import { TidemarkError } from '../../../journal/errors.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import type { Log } from '../../telemetry/log.ts';
import { pacedLog } from '../../telemetry/pacedLog.ts';
import { createPinoLog, isForPeople, type LogFormat, type LogLevel } from '../../telemetry/pinoLog.ts';
import { createLoggedProgress, createTerminalProgress, type ProgressDisplay } from '../progress.ts';
import { createScreen } from '../../telemetry/screen.ts';
import type { RunReport } from '../../app/contract.ts';
import { EXIT_FAILURE, EXIT_OK, exitCodeOf, exitCodeOfSignal } from '../exitCodes.ts';
import type { CliIo, StopSignal } from '../io.ts';
import type { RunChoices } from '../../sources/port.ts';
import { committedLines, stoppedLines } from '../runText.ts';
import type { SupervisorLink } from '../supervisorLink.ts';

export interface RunCommandOptions extends RunChoices {
  readonly moveSink?: boolean;
  readonly moveGroup?: boolean;
  readonly logLevel: LogLevel;
  /** Without it: for people on a terminal, else JSON. */
  readonly logFormat?: LogFormat;
  /** Node replaces the handling of SIGHUP that nohup set, and cannot detect that it did. */
  readonly ignoreSighup?: boolean;
  /** It is one of the processes of a supervisor. */
  readonly process?: RunProcess;
}

/** Which one, from 0 on, of how many. */
export interface RunProcess {
  readonly index: number;
  readonly processes: number;
}

export async function runCommand(config: JobConfig, options: RunCommandOptions, io: CliIo): Promise<number> {
  const { process: place } = options;
  const report =
    place === undefined
      ? await runWithDisplay(config, options, io)
      : await runSupervised(config, { ...options, process: place }, io);
  io.stdout.write(text(committedLines(report, config.sink.uri)));
  io.stderr.write(text(stoppedLines(report)));
  return exitCodeOfReport(report);
}

export function exitCodeOfReport(report: RunReport): number {
  return report.stoppedPartitions.length === 0 ? EXIT_OK : EXIT_FAILURE;
}

/** Runs the job as one of several processes. */
async function runSupervised(
  config: JobConfig,
  { process: place, ...options }: RunCommandOptions & { readonly process: RunProcess },
  io: CliIo,
): Promise<RunReport> {
  const [{ configOfProcess, newProcessToken }, { supervisorLink }, { TOKEN_VARIABLE }] = await Promise.all([
    import('../../app/processes.ts'),
    import('../supervisorLink.ts'),
    import('../../supervisor/messages.ts'),
  ]);
  const supervisor = supervisorLink();
  const own = configOfProcess(config, { ...place, token: io.env[TOKEN_VARIABLE] ?? newProcessToken() });
  try {
    return await runWithDisplay(own, options, io, supervisor);
  } catch (error) {
    if (error instanceof TidemarkError) await supervisor.tell({ type: 'failed', code: error.code });
    throw error;
  }
}

/** Runs the job. Logs and progress go to standard error, nothing to standard output. */
export async function runWithDisplay(
  config: JobConfig,
  options: RunCommandOptions,
  io: CliIo,
  supervisor: SupervisorLink | null = null,
): Promise<RunReport> {
  const display = createDisplay(options, io);
  const { log, progress } = display;
  for (const warning of config.warnings) log.warn({}, warning);
  const stop = new AbortController();
  const end: End = { limitMs: config.shutdown.timeoutMs, code: EXIT_FAILURE };
  const request = { stop, end, log, io };
  const forget = io.onSignal(signalHandler(request, options));
  const forgetSupervisor = supervisor?.onStop((why) => {
    if (stop.signal.aborted) return;
    log.info({}, `stopping after a last checkpoint: ${why}`);
    requestEnd(request);
  });
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
      onListening: (port) => void supervisor?.tell({ type: 'listening', port }),
    });
    end.code = exitCodeOfReport(report);
    return report;
  } catch (error) {
    end.code = exitCodeOf(error);
    throw error;
  } finally {
    forget();
    forgetSupervisor?.();
    progress.end();
  }
}

function createDisplay(
  { logLevel: level, logFormat }: RunCommandOptions,
  { stderr, nowMs }: CliIo,
): { log: Log; progress: ProgressDisplay } {
  const isTerminal = stderr.isTTY === true;
  const isHuman = isForPeople(logFormat, stderr);
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

interface EndRequest {
  readonly stop: AbortController;
  readonly end: End;
  readonly log: Log;
  readonly io: CliIo;
}

function requestEnd({ stop, end, io }: EndRequest): void {
  io.endWithin(end.limitMs, () => end.code);
  stop.abort();
}

/** The first signal requests an orderly end; the second one does not wait for it. */
function signalHandler(
  request: EndRequest,
  { ignoreSighup = false }: RunCommandOptions,
): (signal: StopSignal) => void {
  const { stop, log, io } = request;
  let signals = 0;
  return (signal) => {
    if (signal === 'SIGHUP' && ignoreSighup) return;
    signals += 1;
    if (!stop.signal.aborted) {
      log.info({ signal }, 'stopping after a last checkpoint; the same signal once more exits at once');
      requestEnd(request);
      return;
    }
    // A unit that is stopped signals all its processes, and the supervisor has asked as well.
    if (signals === 1) return;
    log.warn({ signal }, 'exiting at once: the next run settles from the journal what is left open');
    io.exitNow(exitCodeOfSignal(signal));
  };
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
