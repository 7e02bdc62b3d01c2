/** `tidemark journal import`: an export becomes the job's journal. */
import type { ImportFound } from '../../../journal/importing.ts';
import type { ImportProgress } from '../../app/contract.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatBytes, formatCount, formatNoun } from '../../telemetry/format.ts';
import { EXIT_OK, exitCodeOfSignal } from '../exitCodes.ts';
import type { CliIo, StopSignal } from '../io.ts';
import { occasionally } from '../occasionally.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText, reportError } from '../report.ts';
import type { JournalCommandOptions } from './journal.ts';

/** How long what is being written may take to end after a signal. */
const END_LIMIT_MS = 5_000;

/** The first signal ends the import in a state that is reported; the second one does not wait for it. */
export async function importCommand(
  config: JobConfig,
  options: JournalCommandOptions,
  io: CliIo,
): Promise<number> {
  const { file, isJson } = options;
  const { importJournal } = await io.loadBackend();
  const stop = new AbortController();
  const stopped: { by: StopSignal | null } = { by: null };
  const forget = io.onSignal((signal) => {
    if (stopped.by !== null) io.exitNow(exitCodeOfSignal(signal));
    stopped.by = signal;
    io.endWithin(END_LIMIT_MS, () => exitCodeOfSignal(signal));
    stop.abort();
  });
  const say = occasionally(io);
  const onProgress = (progress: ImportProgress): void => say(() => progressLine(progress));
  try {
    const found = await importJournal(config, { file, log: quietLog(io), signal: stop.signal, onProgress });
    io.stdout.write(isJson ? jsonText({ job: config.job, file, ...found }) : lines(config, file, found));
    return EXIT_OK;
  } catch (error) {
    if (stopped.by === null) throw error;
    reportError(error, io, isJson);
    return exitCodeOfSignal(stopped.by);
  } finally {
    forget();
  }
}

function progressLine({ phase, entries }: ImportProgress): string {
  return `${phase}: ${formatCount(entries)} entries`;
}

function lines({ job }: JobConfig, file: string, found: ImportFound): string {
  const { journalId, entries, partitions, bytes, entriesThere, requestsLeftOut } = found;
  const count = entries === 1 ? '1 entry' : `${formatCount(entries)} entries`;
  const notes = [
    ...(entriesThere === 0 ? [] : [`${formatCount(entriesThere)} of them were there from an earlier import`]),
    ...(requestsLeftOut === 0 ? [] : [`${formatNoun(requestsLeftOut, 'answered request')} left out`]),
  ];
  return (
    `journal ${journalId} of job ${job}, imported from ${file}: ${count} of ` +
    `${formatNoun(partitions, 'partition')}, ${formatBytes(bytes)}, every hash as it should be\n` +
    notes.map((note) => `  ${note}\n`).join('')
  );
}
