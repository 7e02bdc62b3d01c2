/** The job's subjects: its partitions, and its own one with what its starts say of the names that it has given. */
import { asTidemarkError } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import { isJobEvent } from '../../journal/events.ts';
import type { JobName, Subject, TopicPartition } from '../../journal/ids.ts';
import type { Journal, StoredEntry } from '../../journal/port.ts';
import { ChainCheck } from '../../journal/replay.ts';
import { jobPrefix, jobSubject, partitionOf } from '../../journal/subjects.ts';
import { JobFacts } from '../job/jobLife.ts';
import type { OnFinding } from './findings.ts';

export interface JobHistory {
  /** Topics, name prefixes and sinks that the starts have named. */
  readonly topics: readonly string[];
  readonly prefixes: ReadonlySet<string>;
  readonly sinks: ReadonlySet<string>;
}

export async function readJobHistory(
  journal: Journal,
  job: JobName,
  onFinding: OnFinding,
): Promise<JobHistory> {
  const subject = jobSubject(job);
  const facts = new JobFacts();
  const sinks = new Set<string>();
  const chain = new ChainCheck(subject);
  const found = (code: 'ENTRY_DAMAGED' | 'TRANSITION_ILLEGAL', message: string): void =>
    onFinding({ code, partition: null, seq: chain.tail.seq + 1, uri: null, message });
  const take = (stored: StoredEntry): boolean => {
    const { entry } = chain.next(stored);
    for (const event of entry.events) {
      if (!isJobEvent(event)) {
        found('TRANSITION_ILLEGAL', `the job's subject holds "${event.type}", which is a partition's event`);
        return false;
      }
      facts.fold(event);
      if (event.type === 'jobStarted' && event.sinkUri !== null) sinks.add(event.sinkUri);
    }
    return true;
  };
  try {
    for await (const batch of journal.read(subject, 0)) if (!batch.every(take)) break;
  } catch (error) {
    if (!isJournalFailure(error, 'corrupt', 'newer')) throw error;
    found('ENTRY_DAMAGED', asTidemarkError(error, 'Reading the entry').message);
  }
  return { topics: [...facts.topics.keys()], prefixes: facts.prefixes, sinks };
}

/** Partitions of the job that the journal holds entries of. */
export async function partitionsOf(
  journal: Journal,
  job: JobName,
): Promise<readonly { readonly subject: Subject; readonly partition: TopicPartition }[]> {
  const subjects = await journal.subjects(jobPrefix(job));
  return subjects.flatMap((subject) => {
    const partition = partitionOf(subject);
    return partition === null ? [] : [{ subject, partition }];
  });
}
