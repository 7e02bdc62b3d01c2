/**
 * `tidemark`: its commands, each added by a file of flags/. The code of a command (commands/) is loaded when
 * the command is called.
 */
import { Command } from 'commander';
import { VERSION } from '../system/version.ts';
import { EXIT_CODES, exitCodeOfSignal } from './exitCodes.ts';
import { addAudit } from './flags/audit.ts';
import { addDoctor } from './flags/doctor.ts';
import { addExplain } from './flags/explain.ts';
import { addFuzz } from './flags/fuzz.ts';
import { addJournal } from './flags/journal.ts';
import { addPlan } from './flags/plan.ts';
import { addOrphans } from './flags/orphans.ts';
import { addReplay } from './flags/replay.ts';
import { addRequests } from './flags/requests.ts';
import { addRun } from './flags/run.ts';
import { addSchema } from './flags/schema.ts';
import { addStatus } from './flags/status.ts';
import { addValidate } from './flags/validate.ts';
import type { CliIo } from './io.ts';
import type { Program } from './jobCommand.ts';

const EXIT_CODES_TEXT = [
  '',
  'Exit codes:',
  ...EXIT_CODES.map(([code, meaning]) => `  ${code}  ${meaning}`),
].join('\n');

const FUZZ_EXAMPLE = 'is the promise kept? in a world where everything fails that can';
const EXAMPLES = `
Examples:
  tidemark validate job.yaml
  tidemark doctor job.yaml                     first, against real services: can the job run there?
  tidemark plan job.yaml                       where it would begin, its files an hour, memory; writes nothing
  tidemark run job.yaml                        until SIGTERM or SIGINT
  tidemark run job.yaml --until-end            up to the ends seen at the start, then commit every file
  tidemark run job.yaml --processes 4          four coordinators on this host, below one supervisor
  tidemark run job.yaml -D roll.maxAge=1m -D source.kafka.topics='[a, b]'
  tidemark status job.yaml --json
  tidemark audit job.yaml                      is every record where the journal says? writes nothing
  tidemark replay job.yaml --partition clicks/0 --from 2026-11-29T12:00:00Z
  tidemark explain job.yaml clicks/0@123456    which file holds it, and why
  tidemark orphans job.yaml                    temporary files that nothing needs; --delete removes them
  tidemark roll job.yaml --partition clicks/0
  tidemark accept-loss job.yaml --partition clicks/0 --from 100 --to 250
  tidemark skip-record job.yaml clicks/0@123456   one that cannot be written
  tidemark accept-truncation job.yaml clicks/0 --from 100
  tidemark journal backup job.yaml journal-backup.db
  tidemark journal export job.yaml clicks.journal   one file, from any journal
  tidemark journal import job.yaml clicks.journal   into any journal, where there is none yet
  tidemark fuzz --runs 10000                   ${FUZZ_EXAMPLE}
  tidemark fuzz --from-journal job.yaml --partition clicks/0   ... around its last claim or stop`;

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
  addPlan(program, io);
  addStatus(program, io);
  addAudit(program, io);
  addReplay(program, io);
  addExplain(program, io);
  addOrphans(program, io);
  addRequests(program, io);
  addJournal(program, io);
  addValidate(program, io);
  addDoctor(program, io);
  addSchema(command, io);
  addFuzz(program, io);
  return program;
}

/** Commands that treat a signal as a request to stop; all others leave nothing half done, and end at once. */
const ENDING_IN_ORDER: readonly string[] = ['run', 'fuzz', 'import', 'doctor'];

function endAtSignal(io: CliIo): void {
  io.onSignal((signal) => io.exitNow(exitCodeOfSignal(signal)));
}
