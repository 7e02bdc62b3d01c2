import type { PlanCommandOptions } from '../commands/plan.ts';
import type { CliIo } from '../io.ts';
import { jobCommand, jsonOption, loadAndWarn, type JobOptions, type Program } from '../jobCommand.ts';

export function addPlan(program: Program, io: CliIo): void {
  jobCommand(
    program,
    'plan',
    'show what the job would do: where it begins, paths of records, files an hour, memory; writes nothing',
  )
    .option('--sample <offsets>', 'how many of the latest offsets of each partition to look at', '1000')
    .option('--timeout <duration>', 'how long all of it may take', '30s')
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions & PlanCommandOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { planCommand } = await import('../commands/plan.ts');
      program.exitCode = await planCommand(config, options, io);
    });
}
