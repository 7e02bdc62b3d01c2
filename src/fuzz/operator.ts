/** The operator's command: a process of its own, outside of the group, which files a request and ends. */
import type { JobName, TopicPartition } from '../../journal/ids.ts';
import { fileOperatorRequest } from '../coordinator/requests.ts';
import type { SimProcess } from './process.ts';
import type { Recorder } from './recorder.ts';
import type { SimJournalServer } from './simJournal.ts';

export interface OperatorContext {
  readonly process: SimProcess;
  readonly journal: SimJournalServer;
  readonly job: JobName;
  readonly recorder: Recorder;
}

/** Asks the partition's owner to roll its files. A request that fails is the operator's own affair: nobody else waits for it. */
export function requestRoll({ process, journal, job, recorder }: OperatorContext, at: TopicPartition): void {
  const ports = { journal: journal.connect(process), failpoints: process.failpoints };
  fileOperatorRequest(ports, job, at, { type: 'roll' }).then(
    (requestId) => {
      recorder.tell(process, `has filed request ${requestId}`);
    },
    (error: unknown) => {
      recorder.tell(process, `fails: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
}
