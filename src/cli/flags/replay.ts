import { Option } from 'commander';
import type { ReplayCommandOptions } from '../commands/replay.ts';
import type { CliIo } from '../io.ts';
import { jobCommand, journalOption, loadAndWarn, type JobOptions, type Program } from '../jobCommand.ts';

export function addReplay(program: Program, io: CliIo): void {
  jobCommand(program, 'replay', 'show the journal as a timeline: who did what to which file, when, and why')
    .option('--partition <topic/number>', 'of this partition only')
    .option('--bucket <bucket>', 'of part files of this bucket only')
    .option('--file <name>', 'of the part file with this URI, path below the sink or temporary name only')
    .option('--event <type>', 'events of this type only, like partCommitted')
    .option('--from <moment>', 'from this time (ISO) or entry on')
    .option('--to <moment>', 'up to this time (ISO) or entry')
    .addOption(
      new Option('--follow', 'go on with new entries until it is interrupted')
        .default(false)
        .conflicts('journal'),
    )
    .addOption(journalOption())
    .addOption(new Option('--json', 'one JSON document on each line'))
    .action(async (file: string, options: JobOptions & ReplayCommandOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { replayCommand } = await import('../commands/replay.ts');
      program.exitCode = await replayCommand(config, options, io);
    });
}
