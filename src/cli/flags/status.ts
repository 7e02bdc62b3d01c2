import type { CliIo } from '../io.ts';
import { jobCommand, jsonOption, loadAndWarn, type JobOptions, type Program } from '../jobCommand.ts';

export function addStatus(program: Program, io: CliIo): void {
  jobCommand(
    program,
    'status',
    'show coordinators, what each dependency answers, partitions and part files, also while the job runs',
  )
    .option(
      '--at <moment>',
      'what the journal said at this time (ISO), or after this entry of each partition',
    )
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions & { readonly at?: string }) => {
      const config = await loadAndWarn(file, options, io);
      const { statusCommand } = await import('../commands/status.ts');
      const at = options.at === undefined ? {} : { at: options.at };
      const shown = { isJson: options.json === true, jobFile: file, ...at };
      program.exitCode = await statusCommand(config, shown, io);
    });
}
