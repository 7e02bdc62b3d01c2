/**
 * Compares what a journal gives with what it counts. A server that finds its last entries damaged drops them,
 * or passes over them: the hash chain of what is left is whole, and only a count tells.
 */
import type { JobName, Subject, TopicPartition } from '../../journal/ids.ts';
import type { Journal, JournalReader, Revision, StoredEntry } from '../../journal/port.ts';
import { jobPrefix, partitionOf } from '../../journal/subjects.ts';
import type { Findings } from './findings.ts';

/**
 * The journal for an audit: where all of a subject was read, and it was less than the journal has counted
 * before, that is a finding. Rejects as `read` does.
 */
export async function countedReading(
  journal: Journal,
  job: JobName,
  findings: Findings,
): Promise<JournalReader> {
  const counts = await journal.countEntries?.(jobPrefix(job));
  if (counts === undefined) return journal;
  const found = (partition: TopicPartition | null, message: string): void =>
    findings.add({ code: 'ENTRIES_LOST', partition, seq: null, uri: null, message });
  if (counts.lost > 0) {
    const entries = counts.lost === 1 ? 'entry' : 'entries';
    found(null, `${counts.lost} ${entries} of this job, or of another that shares the stream, were dropped`);
  }
  async function* counting(
    subject: Subject,
    batches: AsyncIterable<readonly StoredEntry[]>,
  ): AsyncGenerator<readonly StoredEntry[]> {
    const counted = counts?.bySubject.get(subject) ?? 0;
    let given = 0;
    for await (const batch of batches) {
      given += batch.length;
      yield batch;
    }
    if (given < counted)
      found(partitionOf(subject), `${subject} gives ${given} of the ${counted} that are counted`);
  }
  const whole =
    (read: 'read' | 'requests') =>
    (subject: Subject, after: Revision): AsyncIterable<readonly StoredEntry[]> =>
      after === 0 ? counting(subject, journal[read](subject, after)) : journal[read](subject, after);
  return {
    id: journal.id,
    subjects: (prefix) => journal.subjects(prefix),
    snapshots: (subject) => journal.snapshots(subject),
    read: whole('read'),
    requests: whole('requests'),
  };
}
