/** `tidemark audit`: replays the journal and compares it with the destination; writes nothing. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TidemarkError } from '../../../journal/errors.ts';
import { parseAge } from '../../../kernels/schema/units.ts';
import type { AuditVerdict } from '../../audit/auditReport.ts';
import type { MovedAway } from '../../audit/partFileComparison.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatBytes, formatCount } from '../../telemetry/format.ts';
import { auditText } from '../auditText.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNFINISHED } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { journalChoice } from '../journalFile.ts';
import { occasionally } from '../occasionally.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

export interface AuditCommandOptions {
  readonly json?: boolean;
  /** Reads the source, too. */
  readonly deep?: boolean;
  /** Path of an export or a backup, to be read in place of the job's journal. */
  readonly journal?: string;
  /** Path of a list of files that may be gone, one URI or path below the sink a line. */
  readonly moved?: string;
  /** Files that were committed longer ago than this may be gone. */
  readonly movedBefore?: string;
}

export async function auditCommand(
  config: JobConfig,
  options: AuditCommandOptions,
  io: CliIo,
): Promise<number> {
  const moved = await movedAway(options, config.sink.uri, io.cwd);
  const { auditJob } = await io.loadBackend();
  const choice = journalChoice(options.journal, io);
  const say = occasionally(io);
  const report = await auditJob(config, {
    deep: options.deep === true,
    ...{ moved, ...choice, log: quietLog(io) },
    onProgress: ({ entries, partitions, partitionsDone, filesCompared, bytesCompared, offsetsRead }) =>
      say(
        () =>
          `auditing: ${formatCount(entries)} entries, ${partitionsDone} of ${partitions} partitions, ` +
          `${formatCount(filesCompared)} files (${formatBytes(bytesCompared)}) compared` +
          (offsetsRead === 0 ? '' : `, ${formatCount(offsetsRead)} offsets read again`),
      ),
  });
  io.stdout.write(
    options.json === true
      ? jsonText({ ...choice, ...report })
      : auditText(report, { sinkUri: config.sink.uri, ...choice }),
  );
  return exitCodeOfVerdict(report.verdict);
}

export function exitCodeOfVerdict(verdict: AuditVerdict): number {
  if (verdict === 'clean') return EXIT_OK;
  return verdict === 'damaged' ? EXIT_FAILURE : EXIT_UNFINISHED;
}

/** Throws USAGE for a duration that is none, or a list that cannot be read. */
async function movedAway(
  { moved, movedBefore }: AuditCommandOptions,
  sinkUri: string,
  cwd: string,
): Promise<MovedAway> {
  const listed = moved === undefined ? new Set<string>() : await readList(resolve(cwd, moved), sinkUri);
  const before = movedBefore === undefined ? null : timeBefore(movedBefore);
  return ({ uri, committedAt }) => listed.has(uri) || (before !== null && committedAt < before);
}

/** ISO time of `age` ago. */
function timeBefore(age: string): string {
  const parsed = parseAge(age);
  if (parsed.type === 'invalid') throw new TidemarkError('USAGE', `--moved-before ${age}: ${parsed.reason}`);
  return new Date(Date.now() - parsed.value).toISOString();
}

async function readList(path: string, sinkUri: string): Promise<Set<string>> {
  try {
    const lines = (await readFile(path, 'utf8')).split(/\r?\n/).filter((line) => line !== '');
    return new Set(lines.map((line) => (line.includes('://') ? line : `${sinkUri}/${line}`)));
  } catch (cause) {
    throw new TidemarkError('USAGE', `The list of moved files ${path} cannot be read.`, { cause });
  }
}
