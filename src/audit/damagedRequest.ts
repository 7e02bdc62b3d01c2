/** What the journal itself says of a request that it cannot read as it was filed. */
import { isJournalFailure, type JournalFailure } from '../../journal/failure.ts';
import type { JobName, Subject, TopicPartition } from '../../journal/ids.ts';
import type { JournalReader } from '../../journal/port.ts';
import { requestSubject } from '../../journal/subjects.ts';
import type { OnFinding } from './findings.ts';

/** Every other error of a reading means that the journal did not answer, or that Tidemark has a bug. */
function isDamage(error: unknown): error is JournalFailure {
  return isJournalFailure(error, 'corrupt', 'newer');
}

/**
 * Reads the requests to the partition's owner: no hash chain protects these, only what the journal keeps
 * beside them.
 */
export async function checkRequests(
  journal: JournalReader,
  job: JobName,
  partition: TopicPartition,
  onFinding: OnFinding,
): Promise<void> {
  const subject: Subject = requestSubject(job, partition);
  try {
    for await (const _ of journal.requests(subject, 0));
  } catch (error) {
    if (!isDamage(error)) throw error;
    onFinding({ code: 'REQUEST_DAMAGED', partition, seq: null, uri: null, message: error.message });
  }
}
