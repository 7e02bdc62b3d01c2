/**
 * Verifies a journal by itself: every subject of the job is replayed by this version. It asks no destination
 * and no source.
 */
import type { JobName } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { journalReportOf, type JournalReport } from './auditReport.ts';
import { countedReading } from './countedReading.ts';
import { Findings } from './findings.ts';
import { partitionsOf, readJobHistory } from './jobHistory.ts';
import type { PartitionHistory } from './partitionHistory.ts';
import { PartitionReader } from './partitionReader.ts';

export interface VerifyProgress {
  readonly entries: number;
  readonly partitions: number;
  readonly partitionsDone: number;
}

export interface VerifyOptions {
  readonly job: JobName;
  /** May be called at any rate. */
  readonly onProgress: (progress: VerifyProgress) => void;
}

/** Rejects if the journal cannot be read at all. */
export async function verifyJournal(
  stored: Journal,
  { job, onProgress }: VerifyOptions,
): Promise<JournalReport> {
  const findings = new Findings();
  const journal = await countedReading(stored, job, findings);
  await readJobHistory(journal, job, (finding) => findings.add(finding));
  const partitions = await partitionsOf(journal, job);
  const histories: PartitionHistory[] = [];
  let entries = 0;
  const onEntries = (count: number): void => {
    entries += count;
    onProgress({ entries, partitions: partitions.length, partitionsDone: histories.length });
  };
  for (const { subject, partition } of partitions) {
    const reader = await PartitionReader.atEnd({ journal, subject, partition, findings, onEntries });
    histories.push(reader.history);
  }
  return journalReportOf({ job, journalId: journal.id, histories, findings });
}
