import { Option } from 'commander';
import type { FuzzCommandOptions } from '../commands/fuzz.ts';
import type { CliIo } from '../io.ts';
import { journalOption, jsonOption, loadAndWarn, type Program } from '../jobCommand.ts';

export function addFuzz(program: Program, io: CliIo): void {
  const store = new Option('--store <kind>', 'destination of the world').choices(['file', 'oss', 'oss-hdfs']);
  program.command
    .command('fuzz')
    .description('try the coordinator in a deterministic world with crashes, zombies and lost replies')
    .option('--runs <number>', 'drawn schedules (1000 by default)')
    .option('--for <duration>', 'drawn schedules for so long, like 60s')
    .option('--exhaustive', 'every single fault, pair and triple at the named failpoints of a short workload')
    .option('--seed <number>', 'the same seed, the same schedules; drawn by default')
    .option('--schedule <file>', 'replay the one schedule that a report printed; - reads standard input')
    .option('--job <job.yaml>', 'take rolling, buckets and checkpoints from this job file')
    .option(
      '--from-journal <job.yaml>',
      'let a stretch of the journal of this job happen again, then vary it',
    )
    .option('--partition <topic/number>', 'the partition whose journal it is')
    .option('--around <moment>', 'around this time (ISO) or entry; around its last claim or stop by default')
    .addOption(journalOption())
    .addOption(store)
    .addOption(jsonOption())
    .action(async (options: FuzzCommandOptions) => {
      const file = options.fromJournal ?? options.job;
      const config = file === undefined ? null : await loadAndWarn(file, { define: [] }, io);
      const { fuzzCommand } = await import('../commands/fuzz.ts');
      program.exitCode = await fuzzCommand(options, config, io);
    });
}
