/**
 * The job's subjects: its partitions, and its own one with what its starts say of the names that it has
 * given.
 */
import { isDeepStrictEqual } from 'node:util';
import { asTidemarkError } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import { isJobEvent, type JsonValue } from '../../journal/events.ts';
import type { JobName, Subject, TopicPartition } from '../../journal/ids.ts';
import type { JournalReader, StoredEntry } from '../../journal/port.ts';
import { ChainCheck } from '../../journal/replay.ts';
import { jobPrefix, jobSubject, partitionOf } from '../../journal/subjects.ts';
import { JobFacts } from '../job/jobLife.ts';
import { bucketIn, contentIn } from '../job/placing.ts';
import type { OnFinding } from './findings.ts';

export interface JobHistory {
  /** Topics, name prefixes and sinks that the starts have named. */
  readonly topics: readonly string[];
  readonly prefixes: ReadonlySet<string>;
  readonly sinks: ReadonlySet<string>;
  /** Id of the first start's cluster; null for files. */
  readonly clusterId: string | null;
  /** Ids of the topics, where the source has such. */
  readonly topicIds: ReadonlyMap<string, string | null>;
  /** Bucket rules that the starts have named; null for a start that named none. Equal ones once. */
  readonly buckets: readonly JsonValue[];
  /** The same for what files hold (`contentIn`). */
  readonly contents: readonly JsonValue[];
}

export async function readJobHistory(
  journal: JournalReader,
  job: JobName,
  onFinding: OnFinding,
): Promise<JobHistory> {
  const subject = jobSubject(job);
  const facts = new JobFacts();
  const sinks = new Set<string>();
  const [buckets, contents]: [JsonValue[], JsonValue[]] = [[], []];
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
      if (event.type !== 'jobStarted') continue;
      if (event.sinkUri !== null) sinks.add(event.sinkUri);
      addNew(buckets, bucketIn(event.config));
      addNew(contents, contentIn(event.config));
    }
    return true;
  };
  try {
    for await (const batch of journal.read(subject, 0)) if (!batch.every(take)) break;
  } catch (error) {
    if (!isJournalFailure(error, 'corrupt')) throw error;
    found('ENTRY_DAMAGED', asTidemarkError(error, 'Reading the entry').message);
  }
  return {
    topics: [...facts.topics.keys()],
    clusterId: facts.clusterId,
    topicIds: new Map([...facts.topics].map(([topic, { topicId }]) => [topic, topicId])),
    ...{ prefixes: facts.prefixes, sinks, buckets, contents },
  };
}

function addNew(all: JsonValue[], one: JsonValue): void {
  if (!all.some((known) => isDeepStrictEqual(known, one))) all.push(one);
}

/** Partitions of the job that the journal holds entries of. */
export async function partitionsOf(
  journal: JournalReader,
  job: JobName,
): Promise<readonly { readonly subject: Subject; readonly partition: TopicPartition }[]> {
  const subjects = await journal.subjects(jobPrefix(job));
  return subjects.flatMap((subject) => {
    const partition = partitionOf(subject);
    return partition === null ? [] : [{ subject, partition }];
  });
}
