import type { CliIo } from '../io.ts';
import {
  jobCommand,
  journalOption,
  jsonOption,
  loadAndWarn,
  type JobOptions,
  type Program,
} from '../jobCommand.ts';

export function addExplain(program: Program, io: CliIo): void {
  jobCommand(program, 'explain', 'tell the life of one record, or of one file, in plain words')
    .argument('<record or file>', 'topic/number@offset; or a URI, a path below the sink, a temporary name')
    .addOption(journalOption())
    .addOption(jsonOption())
    .action(async (file: string, what: string, options: JobOptions & { readonly journal?: string }) => {
      const config = await loadAndWarn(file, options, io);
      const { explainCommand } = await import('../commands/explain.ts');
      program.exitCode = await explainCommand(
        config,
        what,
        { journal: options.journal, isJson: options.json === true },
        io,
      );
    });
}
