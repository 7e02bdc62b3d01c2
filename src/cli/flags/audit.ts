import type { AuditCommandOptions } from '../commands/audit.ts';
import type { CliIo } from '../io.ts';
import {
  jobCommand,
  journalOption,
  jsonOption,
  loadAndWarn,
  type JobOptions,
  type Program,
} from '../jobCommand.ts';

export function addAudit(program: Program, io: CliIo): void {
  jobCommand(
    program,
    'audit',
    'replay the journal and compare it with the destination, also while the job runs; writes nothing',
  )
    .addOption(journalOption())
    .option('--moved <file>', 'committed files that may be gone, a URI or a path below the sink on each line')
    .option('--moved-before <age>', 'files that were committed longer ago may be gone, like 7d')
    .option('--deep', 'also read the source again, and compare each of its records with the files')
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions & AuditCommandOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { auditCommand } = await import('../commands/audit.ts');
      program.exitCode = await auditCommand(config, options, io);
    });
}
