import type { CliIo } from '../io.ts';
import { jobCommand, jsonOption, loadAndWarn, type JobOptions, type Program } from '../jobCommand.ts';

export function addValidate(program: Program, io: CliIo): void {
  jobCommand(program, 'validate', 'check a job file without running it')
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { validateCommand } = await import('../commands/validate.ts');
      program.exitCode = validateCommand(config, { isJson: options.json === true, jobFile: file }, io);
    });
}
