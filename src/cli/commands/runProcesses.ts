/** `tidemark run --processes N`: a supervisor of N coordinators, with their logs and one HTTP port. */
import { checkProcesses, newProcessToken } from '../../app/processes.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { HttpServer } from '../../http/server.ts';
import { marked } from '../../supervisor/marked.ts';
import { TOKEN_VARIABLE } from '../../supervisor/messages.ts';
import { startProgram, type ProgramStart, type StartProcess } from '../../supervisor/process.ts';
import { supervisorSite } from '../../supervisor/site.ts';
import { Supervisor } from '../../supervisor/supervisor.ts';
import { systemClock } from '../../system/clock.ts';
import { VERSION } from '../../system/version.ts';
import type { Log } from '../../telemetry/log.ts';
import { createPinoLog, isForPeople } from '../../telemetry/pinoLog.ts';
import { EXIT_FAILURE, exitCodeOfSignal } from '../exitCodes.ts';
import type { CliIo, StopSignal } from '../io.ts';
import type { JobOptions } from '../jobCommand.ts';
import type { RunCommandOptions } from './run.ts';

/** How much longer than its processes the supervisor may take to end. */
const LONGER_MS = 1_000;

export interface ProcessesOptions extends RunCommandOptions, JobOptions {
  readonly processes: number;
}

/** Resolves with the exit code, when all processes have ended. */
export async function runProcesses(
  file: string,
  config: JobConfig,
  options: ProcessesOptions,
  io: CliIo,
): Promise<number> {
  checkProcesses(config, options);
  const isHuman = isForPeople(options.logFormat, io.stderr);
  const write = (text: string): void => void io.stderr.write(text);
  const hasColour = isHuman && io.stderr.isTTY === true;
  const log = createPinoLog({ level: options.logLevel, isHuman, hasColour, write });
  for (const warning of config.warnings) log.warn({}, warning);
  const marking = { isJson: !isHuman, nowIso: () => new Date().toISOString() };
  const token = newProcessToken();
  const supervisor = new Supervisor({
    processes: options.processes,
    start: starter(file, { options, isHuman, token, io }),
    ...{ clock: systemClock, log, shutdownMs: config.shutdown.timeoutMs },
    onLine: (index, text, stream) => write(marked(text, { index, stream }, marking)),
  });
  const forget = io.onSignal(signalHandler(supervisor, { config, log, options, io }));
  try {
    return await runServed(supervisor, config, { token, log });
  } finally {
    forget();
  }
}

async function runServed(
  supervisor: Supervisor,
  { job, http: config }: JobConfig,
  { token, log }: { readonly token: string; readonly log: Log },
): Promise<number> {
  const site = supervisorSite({ job, version: VERSION, supervisor, token });
  // First of all: a port that is taken ends it.
  const server = config === null ? null : await HttpServer.start({ config, site, log });
  try {
    return await supervisor.run();
  } finally {
    await server?.end();
  }
}

interface Starting {
  readonly options: ProcessesOptions;
  readonly isHuman: boolean;
  readonly token: string;
  readonly io: CliIo;
}

function starter(file: string, { options, isHuman, token, io }: Starting): StartProcess {
  const [, program = ''] = process.argv;
  const args = [
    ...['run', file, ...options.define.flatMap((change) => ['--define', change])],
    ...['--log-level', options.logLevel, '--log-format', isHuman ? 'pretty' : 'json'],
    ...(options.moveSink === true ? ['--move-sink'] : []),
    ...(options.moveGroup === true ? ['--move-group'] : []),
  ];
  const start = (index: number): ProgramStart => ({
    command: [
      process.execPath,
      ...[...process.execArgv, program, ...args, '--process', `${index}/${options.processes}`],
    ],
    ...{ cwd: io.cwd, env: { ...io.env, [TOKEN_VARIABLE]: token } },
  });
  return (index, listener) => startProgram(start(index), listener);
}

interface Signalled {
  readonly config: JobConfig;
  readonly log: Log;
  readonly options: ProcessesOptions;
  readonly io: CliIo;
}

/** The first signal requests an orderly end of all; the second one does not wait for it. */
function signalHandler(
  supervisor: Supervisor,
  { config, log, options, io }: Signalled,
): (signal: StopSignal) => void {
  return (signal) => {
    if (signal === 'SIGHUP' && options.ignoreSighup === true) return;
    if (!supervisor.isStopping) {
      log.info({ signal }, 'all processes are stopping; the same signal once more ends them at once');
      io.endWithin(config.shutdown.timeoutMs + LONGER_MS, () => EXIT_FAILURE);
      supervisor.stop();
      return;
    }
    log.warn({ signal }, 'ending at once: the next run settles from the journal what is left open');
    supervisor.kill();
    io.exitNow(exitCodeOfSignal(signal));
  };
}
