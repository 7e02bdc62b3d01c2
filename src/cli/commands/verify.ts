/** `tidemark journal verify`: replays the journal, and nothing else. */
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatCount } from '../../telemetry/format.ts';
import { verifyText } from '../auditText.ts';
import type { CliIo } from '../io.ts';
import { journalChoice } from '../journalFile.ts';
import { occasionally } from '../occasionally.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';
import { exitCodeOfVerdict } from './audit.ts';

export interface VerifyCommandOptions {
  readonly json?: boolean;
  /** Path of an export or a backup, to be read in place of the job's journal. */
  readonly journal?: string;
}

export async function verifyCommand(
  config: JobConfig,
  options: VerifyCommandOptions,
  io: CliIo,
): Promise<number> {
  const { verifyJournal } = await io.loadBackend();
  const choice = journalChoice(options.journal, io);
  const say = occasionally(io);
  const report = await verifyJournal(config, {
    ...choice,
    log: quietLog(io),
    onProgress: ({ entries, partitions, partitionsDone }) =>
      say(() => `verifying: ${formatCount(entries)} entries, ${partitionsDone} of ${partitions} partitions`),
  });
  io.stdout.write(options.json === true ? jsonText({ ...choice, ...report }) : verifyText(report, choice));
  return exitCodeOfVerdict(report.verdict);
}
