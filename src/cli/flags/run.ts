import { InvalidArgumentError, Option } from 'commander';
import type { LogFormat, LogLevel } from '../../telemetry/pinoLog.ts';
import type { RunCommandOptions, RunProcess } from '../commands/run.ts';
import type { CliIo } from '../io.ts';
import { jobCommand, load, type JobOptions, type Program } from '../jobCommand.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
const FORMATS: readonly LogFormat[] = ['json', 'pretty'];
const PROCESSES_MAX = 64;

interface RunFlags extends JobOptions, RunCommandOptions {
  readonly processes?: number;
  readonly process?: RunProcess;
}

export function addRun(program: Program, io: CliIo): void {
  const level = new Option('--log-level <level>', 'what is logged on standard error')
    .choices(LEVELS)
    .default('info');
  const format = new Option(
    '--log-format <format>',
    'JSON lines, or lines for people; without it pretty on a terminal, else json',
  ).choices(FORMATS);
  jobCommand(program, 'run', 'run the job: its coordinator service')
    .option('--until-end', 'read up to the ends seen at the start, finish and commit every file, exit', false)
    .option(
      '--move-sink',
      'continue at another sink than the journaled one; stop all its coordinators first',
      false,
    )
    .option('--move-group', 'continue with another groupId than the journaled one; stop them, too', false)
    .option('--ignore-sighup', 'keep running when the terminal is closed; nohup alone does not help', false)
    .option(
      '--processes <number>',
      `run so many coordinators on this host (1 to ${PROCESSES_MAX}), each a process that is started again ` +
        'if it dies; journal.nats only, memory is shared between them, one HTTP port for all',
      processesOf,
    )
    .addOption(new Option('--process <index/processes>').argParser(placeOf).hideHelp())
    .addOption(level)
    .addOption(format)
    .action(async (file: string, { processes, ...options }: RunFlags) => {
      const config = await load(file, options, io);
      if (processes === undefined) {
        const { runCommand } = await import('../commands/run.ts');
        program.exitCode = await runCommand(config, options, io);
        return;
      }
      const { runProcesses } = await import('../commands/runProcesses.ts');
      program.exitCode = await runProcesses(file, config, { ...options, processes }, io);
    });
}

function processesOf(text: string): number {
  const processes = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (processes >= 1 && processes <= PROCESSES_MAX) return processes;
  throw new InvalidArgumentError(`Expected a number from 1 to ${PROCESSES_MAX}.`);
}

/** Which of how many: what a supervisor starts its processes with. */
function placeOf(text: string): RunProcess {
  const [, index, processes] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (processes === undefined) throw new InvalidArgumentError('It is for `run --processes` alone.');
  return { index: Number(index), processes: Number(processes) };
}
