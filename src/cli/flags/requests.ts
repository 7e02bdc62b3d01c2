/** `tidemark roll | resume | repair | accept-loss | skip-record | accept-truncation`. */
import { Option, type Command } from 'commander';
import type { RequestOrder } from '../../app/contract.ts';
import type * as Requests from '../commands/request.ts';
import type { CliIo } from '../io.ts';
import { jobCommand, jsonOption, loadAndWarn, type JobOptions, type Program } from '../jobCommand.ts';

interface RequestOptions extends JobOptions {
  readonly partition?: string;
  readonly timeout: string;
  readonly wait: boolean;
}

interface ResumeOptions extends RequestOptions {
  readonly fromJournal?: boolean;
  readonly fromWitness?: boolean;
  readonly acceptLoss?: boolean;
}

/** Files the request, with what the loaded command makes of its options. */
type File = (
  file: string,
  options: RequestOptions,
  orderOf: (requests: typeof Requests) => RequestOrder,
) => Promise<void>;

interface Adding {
  /** Begins a command. */
  readonly command: (name: string, description: string) => Command;
  readonly filed: File;
}

export function addRequests(program: Program, io: CliIo): void {
  const adding: Adding = {
    command: (name, description) =>
      jobCommand(program, name, description)
        .option('--timeout <duration>', "how long to wait for the owners' answers", '60s')
        .option('--no-wait', 'file the request and do not wait for an answer')
        .addOption(jsonOption()),
    filed: async (file, options, orderOf) => {
      const requests = await import('../commands/request.ts');
      const order = orderOf(requests);
      const waitMs = options.wait ? requests.parseTimeout(options.timeout) : null;
      const config = await loadAndWarn(file, options, io);
      const filing = { isJson: options.json === true, jobFile: file, waitMs };
      program.exitCode = await requests.requestCommand(config, order, filing, io);
    },
  };
  addRoll(adding);
  addResume(adding);
  addRepair(adding);
  addLosses(adding);
  addTruncation(adding);
}

function addRoll({ command, filed }: Adding): void {
  command('roll', 'ask the owners to close their part files at the next checkpoint')
    .option('--partition <topic/number>', 'of this partition only')
    .action((file: string, options: RequestOptions) =>
      filed(file, options, ({ orderFor }) => orderFor(options.partition, { type: 'roll' })),
    );
}

function addResume({ command, filed }: Adding): void {
  command('resume', 'let a stopped or halted partition try again, once its cause is gone')
    .requiredOption('--partition <topic/number>', 'the stopped partition')
    .addOption(
      new Option(
        '--from-journal',
        'if the journal went back: read again what it does not know, after those files are moved away',
      ).conflicts('fromWitness'),
    )
    .option(
      '--from-witness',
      'if the journal went back: continue at its witness; needs --accept-loss if that loses records',
    )
    .option('--accept-loss', 'give up what is in no committed file')
    .action((file: string, options: ResumeOptions) =>
      filed(file, options, ({ orderFor, parseAnswer }) =>
        orderFor(options.partition, { type: 'resume', ...parseAnswer(options) }),
      ),
    );
}

function addRepair({ command, filed }: Adding): void {
  command('repair', 'have the records of damaged files, which were not published, read and written again')
    .requiredOption('--partition <topic/number>', 'the partition that is stopped by them')
    .option('--not-taken', 'no reader has taken a closed file that is gone: it was never published')
    .action((file: string, options: RequestOptions & { notTaken?: boolean }) =>
      filed(file, options, ({ orderFor }) =>
        orderFor(options.partition, { type: 'repair', notTaken: options.notTaken === true }),
      ),
    );
}

function addLosses({ command, filed }: Adding): void {
  command('accept-loss', 'give up offsets that the source has lost, and continue after them')
    .requiredOption('--partition <topic/number>', 'the stopped partition')
    .requiredOption('--from <offset>', 'first offset that is lost')
    .requiredOption('--to <offset>', 'first offset that is not lost')
    .action((file: string, options: RequestOptions & { from: string; to: string }) =>
      filed(file, options, ({ orderFor, parseLoss }) =>
        orderFor(options.partition, { type: 'acceptLoss', ...parseLoss(options.from, options.to) }),
      ),
    );
  command('skip-record', 'give up one record that cannot be written, and continue after it')
    .argument('<topic/number@offset>', 'the record, as the stop names it')
    .action((file: string, record: string, options: RequestOptions) =>
      filed(file, options, ({ parseRecord }) => {
        const { partition, offset } = parseRecord(record);
        return { partition, request: { type: 'acceptLoss', fromOffset: offset, toOffset: offset + 1n } };
      }),
    );
}

function addTruncation({ command, filed }: Adding): void {
  command('accept-truncation', 'read on in a log that went back: what was read stays committed')
    .argument('<topic/number>', 'the stopped partition')
    .option('--from <offset>', 'where the log differs, as the stop names it; others are refused')
    .action((file: string, partition: string, options: RequestOptions & { from?: string }) =>
      filed(file, options, ({ orderFor, parseOffset }) =>
        orderFor(partition, {
          type: 'acceptTruncation',
          divergedAt: options.from === undefined ? null : parseOffset('--from', options.from),
        }),
      ),
    );
}
