/** `tidemark journal backup | restore | export`: verified copies of the journal. */
import type { BackupProgress } from '../../../journal/backup/check.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatBytes, formatCount, formatNoun } from '../../telemetry/format.ts';
import { EXIT_OK } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { occasionally } from '../occasionally.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

export interface JournalCommandOptions {
  readonly file: string;
  readonly isJson: boolean;
}

export async function backupCommand(
  config: JobConfig,
  options: JournalCommandOptions & { readonly force: boolean },
  io: CliIo,
): Promise<number> {
  const { backupJournal } = await io.loadBackend();
  const { file, force } = options;
  const found = await backupJournal(config, { file, force, ...shown('backing up', io) });
  return answer(config, options, found, 'backed up to', io);
}

export async function exportCommand(
  config: JobConfig,
  options: JournalCommandOptions & { readonly force: boolean },
  io: CliIo,
): Promise<number> {
  const { exportJournal } = await io.loadBackend();
  const { file, force } = options;
  const found = await exportJournal(config, { file, force, ...shown('exporting', io) });
  return answer(config, options, found, 'exported to', io);
}

export async function restoreCommand(
  config: JobConfig,
  options: JournalCommandOptions,
  io: CliIo,
): Promise<number> {
  const { restoreJournal } = await io.loadBackend();
  const { file } = options;
  const found = await restoreJournal(config, { file, ...shown('restoring', io) });
  return answer(config, options, found, 'restored from', io);
}

/** The log, and an occasional line on standard error. */
function shown(doing: string, io: CliIo) {
  const say = occasionally(io);
  const onProgress = ({ entries, bytes }: BackupProgress): void =>
    say(() => {
      const done = entries === 0 ? 'copied' : `${formatCount(entries)} entries checked,`;
      return `${doing}: ${done} ${formatBytes(bytes)}`;
    });
  return { log: quietLog(io), onProgress };
}

function answer(
  { job }: JobConfig,
  { file, isJson }: JournalCommandOptions,
  found: { journalId: string; entries: number; partitions: number; bytes: number },
  done: string,
  { stdout }: CliIo,
): number {
  const { journalId, entries, partitions, bytes } = found;
  const count = entries === 1 ? '1 entry' : `${formatCount(entries)} entries`;
  stdout.write(
    isJson
      ? jsonText({ job, file, ...found })
      : `journal ${journalId} of job ${job}, ${done} ${file}: ${count} of ` +
          `${formatNoun(partitions, 'partition')}, ${formatBytes(bytes)}, every hash as it should be\n`,
  );
  return EXIT_OK;
}
