/**
 * Audits a job: replays its journal, and compares the outcome with the destination and the consumer group.
 * Writes nothing; the job may be running. What others show is read before the journal, so that whatever they
 * showed must be in it; files are compared after the journal has named them.
 */
import type { NamingRule } from '../../actors/naming.ts';
import { hasCode } from '../../journal/errors.ts';
import { partitionName, type JobName, type TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { isSourceFailure } from '../sources/failure.ts';
import type { PartitionSurvey, TopicSurvey } from '../sources/survey.ts';
import type { Store } from '../stores/port.ts';
import { auditPartition } from './auditPartition.ts';
import { reportOf, type AuditReport } from './auditReport.ts';
import { checkRequests } from './damagedRequest.ts';
import { countedReading } from './countedReading.ts';
import { DeepAudit, type DeepSource } from './deep/deepAudit.ts';
import { Destination } from './destination.ts';
import { Findings } from './findings.ts';
import { partitionsOf, readJobHistory } from './jobHistory.ts';
import { PartFileComparison, type MovedAway } from './partFileComparison.ts';
import type { PartitionHistory } from './partitionHistory.ts';
import { Witnesses } from './witnesses.ts';

export interface AuditProgress {
  readonly entries: number;
  readonly partitions: number;
  readonly partitionsDone: number;
  readonly filesCompared: number;
  readonly bytesCompared: number;
  /** Offsets that a deep audit has read of the source. */
  readonly offsetsRead: number;
}

export interface AuditPorts {
  readonly journal: Journal;
  readonly store: Pick<Store, 'reading' | 'listWitnesses' | 'readMarker'>;
  /** Rejects if the source does not answer. */
  readonly survey: (topics: readonly string[]) => Promise<readonly TopicSurvey[]>;
}

export interface AuditOptions {
  readonly job: JobName;
  /** Rule of today's configuration; the journal names earlier ones. */
  readonly naming: NamingRule;
  readonly moved: MovedAway;
  /** Reads the source as well; absent if that is not wanted. */
  readonly deep?: DeepSource;
  readonly signal: AbortSignal;
  /** May be called at any rate. */
  readonly onProgress: (progress: AuditProgress) => void;
}

/** Rejects if the journal cannot be read at all, and with the signal's reason. */
export async function auditJob(ports: AuditPorts, options: AuditOptions): Promise<AuditReport> {
  const { store } = ports;
  const { job, naming, signal } = options;
  const findings = new Findings();
  const journal = await countedReading(ports.journal, job, findings);
  const jobHistory = await readJobHistory(journal, job, (finding) => findings.add(finding));
  const partitions = await partitionsOf(journal, job);
  const topics = [...new Set([...partitions.map(({ partition }) => partition.topic), ...jobHistory.topics])];
  const surveys = await surveyed(ports, topics, findings);
  const destination = new Destination({ store, job, naming, topics, history: jobHistory, signal, findings });
  const deep =
    options.deep === undefined
      ? null
      : new DeepAudit({
          ...options.deep,
          ...{ reading: store.reading, job: jobHistory, signal, findings, onProgress: () => tell() },
        });
  const files = new PartFileComparison({ ...options, reading: store.reading, findings });
  const histories: PartitionHistory[] = [];
  const unread = new Set<string>();
  let entries = 0;
  const tell = (): void => {
    const compared = { filesCompared: files.files, bytesCompared: files.comparedBytes };
    const counts = { partitions: partitions.length, partitionsDone: histories.length };
    options.onProgress({ entries, ...counts, ...compared, offsetsRead: deep?.offsets ?? 0 });
  };
  try {
    await destination.checkMarker(journal.id);
    await destination.list();
    for (const { subject, partition } of partitions) {
      const witnesses = await witnessesOf(ports, options, partition, surveys, findings);
      const onEntries = (count: number): void => {
        signal.throwIfAborted();
        entries += count;
        tell();
      };
      const reading = { journal, subject, partition, findings, onEntries };
      const { history, isReadable } = await auditPartition({
        ...reading,
        witnesses,
        destination,
        files,
        deep,
      });
      histories.push(history);
      if (!isReadable) unread.add(partitionName(partition));
      await checkRequests(journal, job, partition, (finding) => findings.add(finding));
      tell();
    }
    destination.reportUnknown(unread);
    return reportOf({ job, journalId: journal.id, histories, findings, destination, files, deep });
  } finally {
    destination.close();
    deep?.close();
  }
}

async function surveyed(
  { survey }: AuditPorts,
  topics: readonly string[],
  findings: Findings,
): Promise<ReadonlyMap<string, PartitionSurvey>> {
  const surveys = new Map<string, PartitionSurvey>();
  try {
    for (const { topic, partitions } of await survey(topics)) {
      for (const [partition, found] of (partitions ?? []).entries())
        surveys.set(partitionName({ topic, partition }), found);
    }
  } catch (error) {
    // No file of the source is there any more, and files have no group.
    if (!isSourceFailure(error, 'topicMissing')) findings.couldNot("the consumer group's offsets", error);
  }
  return surveys;
}

async function witnessesOf(
  { store }: AuditPorts,
  { naming, job }: AuditOptions,
  partition: TopicPartition,
  surveys: ReadonlyMap<string, PartitionSurvey>,
  findings: Findings,
): Promise<Witnesses | null> {
  try {
    const group = surveys.get(partitionName(partition))?.group ?? null;
    return await Witnesses.of({ store, naming, job, group }, partition);
  } catch (error) {
    if (hasCode(error, 'INTERNAL')) throw error;
    findings.couldNot(`the witnesses of ${partitionName(partition)}`, error);
    return null;
  }
}
