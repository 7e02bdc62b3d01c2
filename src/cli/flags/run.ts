import { Option } from 'commander';
import type { LogFormat, LogLevel } from '../../telemetry/pinoLog.ts';
import type { RunCommandOptions } from '../commands/run.ts';
import type { CliIo } from '../io.ts';
import { jobCommand, load, type JobOptions, type Program } from '../jobCommand.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
const FORMATS: readonly LogFormat[] = ['json', 'pretty'];

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
    .addOption(level)
    .addOption(format)
    .action(async (file: string, options: JobOptions & RunCommandOptions) => {
      const config = await load(file, options, io);
      const { runCommand } = await import('../commands/run.ts');
      program.exitCode = await runCommand(config, options, io);
    });
}
