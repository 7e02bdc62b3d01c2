/** What the commands that take a job file have in common. */
import { Option, type Command } from 'commander';
import type { JobConfig } from '../config/jobConfig.ts';
import type { CliIo } from './io.ts';

export interface Program {
  readonly command: Command;
  /** Exit code of the command that ran. */
  exitCode: number;
}

export interface JobOptions {
  readonly define: readonly string[];
  readonly json?: boolean;
}

export function jobCommand(
  { command }: { readonly command: Command },
  name: string,
  description: string,
): Command {
  return command
    .command(name)
    .description(description)
    .argument('<job.yaml>', 'job file')
    .option(
      '-D, --define <key=value>',
      'override a key of the job file; repeatable, "key=" removes it',
      collect,
      [] as string[],
    );
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

export const jsonOption = (): Option =>
  new Option('--json', 'one JSON document on standard output, everything else on standard error');

export const journalOption = (): Option =>
  new Option('--journal <file>', "read this export or backup in place of the job's journal");

export async function load(file: string, { define }: JobOptions, io: CliIo): Promise<JobConfig> {
  const { loadJobConfig } = await import('../app/jobFile/loadJobConfig.ts');
  return loadJobConfig({ path: file, overrides: define, env: io.env, cwd: io.cwd });
}

/** Loads the job for commands that have no log for warnings. */
export async function loadAndWarn(file: string, options: JobOptions, io: CliIo): Promise<JobConfig> {
  const config = await load(file, options, io);
  for (const warning of config.warnings) io.stderr.write(`tidemark: warning: ${warning}\n`);
  return config;
}
