/** `tidemark journal ...`: copies of the journal. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CliIo } from '../io.ts';
import type { DiffCommandOptions } from '../commands/diff.ts';
import type { VerifyCommandOptions } from '../commands/verify.ts';
import {
  jobCommand,
  journalOption,
  jsonOption,
  load,
  loadAndWarn,
  type JobOptions,
  type Program,
} from '../jobCommand.ts';

type Copying = 'backup' | 'export';

const IMPORT_TEXT = `
Stop every coordinator of the job before the export, and name the new journal in the job file before
the import. The journal keeps its id, so the job continues where it was. The whole file is verified before
anything is written. An import that was interrupted leaves no journal: the same command again
goes on, or starts anew.`;

export function addJournal(program: Program, io: CliIo): void {
  const command = program.command
    .command('journal')
    .description(
      'back the journal up, restore it, move it by one portable file, verify it, compare versions',
    );
  command.helpCommand(false);
  addCopy(program, command, io, {
    name: 'backup',
    description: 'write a checked copy of the journal to a file, also while the job runs',
    file: 'the backup',
  });
  addRestore(program, command, io);
  addCopy(program, command, io, {
    name: 'export',
    description: 'write the journal, of any kind, to one compressed file, also while the job runs',
    file: 'the export',
  });
  addImport(program, command, io);
  addVerify(program, command, io);
  addDiff(program, command, io);
}

function addVerify(program: Program, command: Command, io: CliIo): void {
  jobCommand(
    { command },
    'verify',
    'replay the journal, and nothing else: its hashes, claims, transitions and sums; writes nothing',
  )
    .addOption(journalOption())
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions & VerifyCommandOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { verifyCommand } = await import('../commands/verify.ts');
      program.exitCode = await verifyCommand(config, options, io);
    });
}

function addDiff(program: Program, command: Command, io: CliIo): void {
  jobCommand(
    { command },
    'diff',
    'replay the journal by another version as well, and name the first entry that it reads otherwise',
  )
    .requiredOption(
      '--with <folder>',
      'the installed package of the other version, like node_modules/tidemark',
    )
    .addOption(journalOption())
    .addOption(jsonOption())
    .action(async (file: string, options: JobOptions & DiffCommandOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { diffCommand } = await import('../commands/diff.ts');
      program.exitCode = await diffCommand(config, options, io);
    });
  // For `diff` of another version, which calls it in a process of its own.
  command
    .command('fold', { hidden: true })
    .argument('<job>')
    .argument('<file>')
    .action(async (job: string, file: string) => {
      const { foldCommand } = await import('../commands/diff.ts');
      program.exitCode = await foldCommand(job, resolve(io.cwd, file), io);
    });
}

function addCopy(
  program: Program,
  command: Command,
  io: CliIo,
  { name, description, file: what }: { readonly name: Copying; description: string; file: string },
): void {
  jobCommand({ command }, name, description)
    .argument('<file>', what)
    .option('--force', 'write over a file that exists', false)
    .addOption(jsonOption())
    .action(
      async (jobFile: string, copy: string, { force, json, ...rest }: JobOptions & { force: boolean }) => {
        const config = await load(jobFile, rest, io);
        const commands = await import('../commands/journal.ts');
        const options = { file: resolve(io.cwd, copy), force, isJson: json === true };
        program.exitCode =
          name === 'backup'
            ? await commands.backupCommand(config, options, io)
            : await commands.exportCommand(config, options, io);
      },
    );
}

function addImport(program: Program, command: Command, io: CliIo): void {
  jobCommand(
    { command },
    'import',
    'put an export, from a journal of any kind, where the job has its journal; refused where there is one',
  )
    .argument('<file>', 'the export')
    .addOption(jsonOption())
    .addHelpText('after', IMPORT_TEXT)
    .action(async (file: string, copy: string, options: JobOptions) => {
      const config = await loadAndWarn(file, options, io);
      const { importCommand } = await import('../commands/journalImport.ts');
      program.exitCode = await importCommand(
        config,
        { file: resolve(io.cwd, copy), isJson: options.json === true },
        io,
      );
    });
}

function addRestore(program: Program, command: Command, io: CliIo): void {
  jobCommand(
    { command },
    'restore',
    'put a backup where the job looks for its journal; refused where there is one',
  )
    .argument('<file>', 'the backup')
    .addOption(jsonOption())
    .action(async (file: string, backup: string, options: JobOptions) => {
      const config = await load(file, options, io);
      const { restoreCommand } = await import('../commands/journal.ts');
      program.exitCode = await restoreCommand(
        config,
        { file: resolve(io.cwd, backup), isJson: options.json === true },
        io,
      );
    });
}
