import type { CliIo } from '../io.ts';
import { jobCommand, jsonOption, loadAndWarn, type JobOptions, type Program } from '../jobCommand.ts';

const TEXT = `
It writes to a scratch folder below the sink, to a scratch journal beside the journal, and removes both; it
never touches files, entries or the group of the job, which may be running. docs/doctor.md lists the checks.
Exit code 1 where a check fails; else 3 where one could not be done; else 0, also with warnings.`;

export function addDoctor(program: Program, io: CliIo): void {
  jobCommand(
    program,
    'doctor',
    'check that source, journal, destination and machine let the job run and keep its promise',
  )
    .addOption(jsonOption())
    .addHelpText('after', TEXT)
    .action(async (file: string, options: JobOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { doctorCommand } = await import('../commands/doctor.ts');
      program.exitCode = await doctorCommand(config, { isJson: options.json === true, jobFile: file }, io);
    });
}
