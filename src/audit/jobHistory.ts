/** The job's own subject: its chain, and what its starts say of the names that the job has given. */
import { asTidemarkError } from '../../journal/errors.ts';
import { isJobEvent } from '../../journal/events.ts';
import type { JobName } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { ChainCheck } from '../../journal/replay.ts';
import { jobSubject } from '../../journal/subjects.ts';
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
  reading: for await (const batch of journal.read(subject, 0)) {
    for (const stored of batch) {
      let entry;
      try {
        ({ entry } = chain.next(stored));
      } catch (error) {
        found('ENTRY_DAMAGED', asTidemarkError(error, 'Reading the entry').message);
        break reading;
      }
      for (const event of entry.events) {
        if (!isJobEvent(event)) {
          found(
            'TRANSITION_ILLEGAL',
            `the job's subject holds "${event.type}", which is a partition's event`,
          );
          break reading;
        }
        facts.fold(event);
        if (event.type === 'jobStarted' && event.sinkUri !== null) sinks.add(event.sinkUri);
      }
    }
  }
  return { topics: [...facts.topics.keys()], prefixes: facts.prefixes, sinks };
}
