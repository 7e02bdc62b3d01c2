import type { OrphansOptions } from '../commands/orphans.ts';
import type { CliIo } from '../io.ts';
import { jobCommand, jsonOption, loadAndWarn, type JobOptions, type Program } from '../jobCommand.ts';

export function addOrphans(program: Program, io: CliIo): void {
  jobCommand(
    program,
    'orphans',
    'list temporary files, side objects and uploads at the destination that no journal entry needs, ' +
      'also while the job runs',
  )
    .option('--delete', 'remove them')
    .option('--min-age <age>', 'with --delete: spare what was written more recently', '24h')
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions & OrphansOptions) => {
      const { orphansCommand, parseMinAge } = await import('../commands/orphans.ts');
      const minAgeMs = parseMinAge(options.minAge);
      const config = await loadAndWarn(file, options, io);
      const choices = { isJson: options.json === true, isDeleting: options.delete === true, minAgeMs };
      program.exitCode = await orphansCommand(config, choices, io);
    });
}
