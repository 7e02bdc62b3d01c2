/** The commands and options of `tidemark`. The code of a command is loaded when the command is called. */
import { Command, Option } from 'commander';
import type { AuditCommandOptions } from './commands/audit.ts';
import type { ReplayCommandOptions } from './commands/replay.ts';
import type { RunCommandOptions } from './commands/run.ts';
import type { LogLevel } from '../telemetry/pinoLog.ts';
import type { FuzzCommandOptions } from './commands/fuzz.ts';
import type * as Requests from './commands/request.ts';
import type { RequestOrder } from '../app/contract.ts';
import { EXIT_CODES, exitCodeOfSignal } from './exitCodes.ts';
import type { CliIo } from './io.ts';
import { jobCommand, journalOption, jsonOption, load, loadAndWarn, type JobOptions } from './jobCommand.ts';
import { addJournal } from './journalFlags.ts';
import { VERSION } from '../system/version.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

const EXIT_CODES_TEXT = [
  '',
  'Exit codes:',
  ...EXIT_CODES.map(([code, meaning]) => `  ${code}  ${meaning}`),
].join('\n');

const FUZZ_EXAMPLE = 'is the promise kept? in a world where everything fails that can';
const EXAMPLES = `
Examples:
  tidemark validate job.yaml
  tidemark run job.yaml                        until SIGTERM or SIGINT
  tidemark run job.yaml --until-end            up to the ends seen at the start, then commit every file
  tidemark run job.yaml -D roll.maxAge=1m -D source.kafka.topics='[a, b]'
  tidemark status job.yaml --json
  tidemark audit job.yaml                      is every record where the journal says? writes nothing
  tidemark replay job.yaml --partition clicks/0 --from 2026-11-29T12:00:00Z
  tidemark explain job.yaml clicks/0@123456    which file holds it, and why
  tidemark roll job.yaml --partition clicks/0
  tidemark accept-loss job.yaml --partition clicks/0 --from 100 --to 250
  tidemark accept-truncation job.yaml clicks/0 --from 100
  tidemark journal backup job.yaml journal-backup.db
  tidemark journal export job.yaml clicks.journal   one file, from any journal
  tidemark journal import job.yaml clicks.journal   into any journal, where there is none yet
  tidemark fuzz --runs 10000                   ${FUZZ_EXAMPLE}
  tidemark fuzz --from-journal job.yaml --partition clicks/0   ... around its last claim or stop`;

export interface Program {
  readonly command: Command;
  /** Exit code of the command that ran. */
  exitCode: number;
}

export function createProgram(io: CliIo): Program {
  const command = new Command('tidemark');
  const program: Program = { command, exitCode: 0 };
  command
    .description('Moves Kafka topics into files, each record exactly once, whatever crashes.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES + '\n' + EXIT_CODES_TEXT)
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .exitOverride()
    .hook('preAction', (_program, action) => {
      if (!ENDING_IN_ORDER.includes(action.name())) endAtSignal(io);
    });
  addRun(program, io);
  addStatus(program, io);
  addAudit(program, io);
  addReplay(program, io);
  addExplain(program, io);
  addRequests(program, io);
  addJournal(program, io);
  addValidate(program, io);
  addSchema(command, io);
  addFuzz(program, io);
  return program;
}

/** Commands that treat a signal as a request to stop; all others leave nothing half done, and end at once. */
const ENDING_IN_ORDER: readonly string[] = ['run', 'fuzz', 'import'];

function endAtSignal(io: CliIo): void {
  io.onSignal((signal) => io.exitNow(exitCodeOfSignal(signal)));
}

function addRun(program: Program, io: CliIo): void {
  const level = new Option('--log-level <level>', 'what is logged on standard error')
    .choices(LEVELS)
    .default('info');
  jobCommand(program, 'run', 'run the job: its coordinator service')
    .option('--until-end', 'read up to the ends seen at the start, finish and commit every file, exit', false)
    .option(
      '--move-sink',
      'continue at another sink than the journaled one; stop all its coordinators first',
      false,
    )
    .option('--move-group', 'continue with another groupId than the journaled one; stop them, too', false)
    .option('--ignore-sighup', 'keep running when the terminal is closed; nohup alone does not help', false)
    .addOption(level)
    .action(async (file: string, options: JobOptions & RunCommandOptions) => {
      const config = await load(file, options, io);
      const { runCommand } = await import('./commands/run.ts');
      program.exitCode = await runCommand(config, options, io);
    });
}

function addStatus(program: Program, io: CliIo): void {
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
      const { statusCommand } = await import('./commands/status.ts');
      const at = options.at === undefined ? {} : { at: options.at };
      const shown = { isJson: options.json === true, jobFile: file, ...at };
      program.exitCode = await statusCommand(config, shown, io);
    });
}

function addAudit(program: Program, io: CliIo): void {
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
      const { auditCommand } = await import('./commands/audit.ts');
      program.exitCode = await auditCommand(config, options, io);
    });
}

function addReplay(program: Program, io: CliIo): void {
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
      const { replayCommand } = await import('./commands/replay.ts');
      program.exitCode = await replayCommand(config, options, io);
    });
}

function addExplain(program: Program, io: CliIo): void {
  jobCommand(program, 'explain', 'tell the life of one record, or of one file, in plain words')
    .argument('<record or file>', 'topic/number@offset; or a URI, a path below the sink, a temporary name')
    .addOption(journalOption())
    .addOption(jsonOption())
    .action(async (file: string, what: string, options: JobOptions & { readonly journal?: string }) => {
      const config = await loadAndWarn(file, options, io);
      const { explainCommand } = await import('./commands/explain.ts');
      program.exitCode = await explainCommand(
        config,
        what,
        { journal: options.journal, isJson: options.json === true },
        io,
      );
    });
}

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

function addRequests(program: Program, io: CliIo): void {
  const filed = async (file: string, options: RequestOptions, request: RequestMaker): Promise<void> => {
    const requests = await import('./commands/request.ts');
    const partition = options.partition === undefined ? null : requests.parsePartition(options.partition);
    const waitMs = options.wait ? requests.parseTimeout(options.timeout) : null;
    const order = { partition, request: request(requests) };
    const config = await loadAndWarn(file, options, io);
    program.exitCode = await requests.requestCommand(
      config,
      order,
      { isJson: options.json === true, jobFile: file, waitMs },
      io,
    );
  };
  const requestCommand = (name: string, description: string): Command =>
    jobCommand(program, name, description)
      .option('--timeout <duration>', "how long to wait for the owners' answers", '60s')
      .option('--no-wait', 'file the request and do not wait for an answer')
      .addOption(jsonOption());
  requestCommand('roll', 'ask the owners to close their part files at the next checkpoint')
    .option('--partition <topic/number>', 'of this partition only')
    .action((file: string, options: RequestOptions) => filed(file, options, () => ({ type: 'roll' })));
  requestCommand('resume', 'let a stopped or halted partition try again, once its cause is gone')
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
      filed(file, options, ({ parseAnswer }) => ({ type: 'resume', ...parseAnswer(options) })),
    );
  requestCommand('accept-loss', 'give up offsets that the source has lost, and continue after them')
    .requiredOption('--partition <topic/number>', 'the stopped partition')
    .requiredOption('--from <offset>', 'first offset that is lost')
    .requiredOption('--to <offset>', 'first offset that is not lost')
    .action((file: string, options: RequestOptions & { from: string; to: string }) =>
      filed(file, options, ({ parseLoss }) => ({
        type: 'acceptLoss',
        ...parseLoss(options.from, options.to),
      })),
    );
  requestCommand('accept-truncation', 'read on in a log that went back: what was read stays committed')
    .argument('<topic/number>', 'the stopped partition')
    .option('--from <offset>', 'where the log differs, as the stop names it; others are refused')
    .action((file: string, partition: string, options: RequestOptions & { from?: string }) =>
      filed(file, { ...options, partition }, ({ parseOffset }) => ({
        type: 'acceptTruncation',
        divergedAt: options.from === undefined ? null : parseOffset('--from', options.from),
      })),
    );
}

type RequestMaker = (requests: typeof Requests) => RequestOrder['request'];

function addValidate(program: Program, io: CliIo): void {
  jobCommand(program, 'validate', 'check a job file without running it')
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { validateCommand } = await import('./commands/validate.ts');
      program.exitCode = validateCommand(config, { isJson: options.json === true, jobFile: file }, io);
    });
}

function addSchema(command: Command, io: CliIo): void {
  command
    .command('schema')
    .description('print the JSON Schema of the job file, for editors')
    .action(async () => {
      const { jobJsonSchema } = await import('../app/jobFile/keys.ts');
      io.stdout.write(`${JSON.stringify(jobJsonSchema(), null, 2)}\n`);
    });
}

function addFuzz(program: Program, io: CliIo): void {
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
      const { fuzzCommand } = await import('./commands/fuzz.ts');
      program.exitCode = await fuzzCommand(options, config, io);
    });
}
