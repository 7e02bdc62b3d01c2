/**
 * `tidemark journal diff`: do two versions read a journal alike? And `journal fold`, which the other one is
 * asked for.
 */
import { resolve } from 'node:path';
import { jobName, partitionName } from '../../../journal/ids.ts';
import type { Subject } from '../../../journal/ids.ts';
import { partitionOf } from '../../../journal/subjects.ts';
import type { FoldDifference } from '../../audit/compareFolds.ts';
import type { DiffReport } from '../../app/journalDiff.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatCount } from '../../telemetry/format.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNFINISHED } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { journalChoice } from '../journalFile.ts';
import { occasionally } from '../occasionally.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

export interface DiffCommandOptions {
  readonly json?: boolean;
  /** Folder of the other version's package. */
  readonly with: string;
  /** Path of an export or a backup, to be read in place of the job's journal. */
  readonly journal?: string;
}

const EXITS: Readonly<Record<DiffReport['verdict'], number>> = {
  same: EXIT_OK,
  differs: EXIT_FAILURE,
  incomplete: EXIT_UNFINISHED,
};

export async function diffCommand(
  config: JobConfig,
  options: DiffCommandOptions,
  io: CliIo,
): Promise<number> {
  const { diffJournal } = await io.loadBackend();
  const say = occasionally(io);
  const choice = journalChoice(options.journal, io);
  const report = await diffJournal(config, {
    ...{ ...choice, otherPackage: resolve(io.cwd, options.with), log: quietLog(io) },
    onProgress: (entries) => say(() => `comparing: ${formatCount(entries)} entries`),
  });
  io.stdout.write(options.json === true ? jsonText({ ...choice, ...report }) : diffText(report));
  return EXITS[report.verdict];
}

/** Prints lines for a program; standard output is a pipe, which takes them as fast as they are read. */
export async function foldCommand(job: string, file: string, io: CliIo): Promise<number> {
  const { foldJournal } = await io.loadBackend();
  for await (const line of foldJournal(jobName(job), file)) io.stdout.write(`${line}\n`);
  return EXIT_OK;
}

function diffText(report: DiffReport): string {
  const { job, journalId, version, otherVersion, otherPackage, entries, difference, problem } = report;
  const head =
    `job ${job}, journal ${journalId}, replayed by this version (${version}) and by ${otherPackage} ` +
    `(${otherVersion ?? 'version unknown'})`;
  const same = entries === 1 ? '1 entry' : `${formatCount(entries)} entries`;
  if (problem !== null) return `${head}\nincomplete: the other version cannot be compared with: ${problem}\n`;
  if (difference === null) return `${head}\nsame: ${same}, and the same state after each\n`;
  return `${head}\ndiffers after ${same}, at ${differenceText(difference)}\n`;
}

function differenceText(difference: FoldDifference): string {
  const { subject, seq, at, events, sides, refusedByThis, refusedByOther } = difference;
  const partition = partitionOf(subject as Subject);
  const name = partition === null ? subject : partitionName(partition);
  const what = [
    ...(sides.length === 0 ? [] : [`another state (${sides.join(', ')})`]),
    ...(refusedByThis === null
      ? []
      : [`this version refuses it: ${refusedByThis.code}: ${refusedByThis.message}`]),
    ...(refusedByOther === null
      ? []
      : [`the other refuses it: ${refusedByOther.code}: ${refusedByOther.message}`]),
  ];
  return (
    `entry ${seq} of ${name} (${events?.join(', ') ?? ''} at ${at ?? 'an unknown time'}): ` + what.join('; ')
  );
}
