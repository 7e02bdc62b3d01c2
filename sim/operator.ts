/** The operator's command: a separate process, outside of the group, which files a request and ends. */
import type { OperatorRequest } from '../journal/events.ts';
import type { JobName, TopicPartition } from '../journal/ids.ts';
import { requestSubject } from '../journal/subjects.ts';
import { passing } from '../src/system/failpoints.ts';
import { fileOperatorRequest } from '../src/partition/requests.ts';
import type { SimProcess } from './process.ts';
import type { Recorder } from './recorder.ts';
import type { SimJournalServer } from './simJournalServer.ts';

export interface OperatorContext {
  readonly process: SimProcess;
  readonly journal: SimJournalServer;
  readonly job: JobName;
  readonly recorder: Recorder;
}

/**
 * Files a request, or bytes that are not one. A failure concerns only the operator: nobody else waits for it.
 */
export function fileRequest(
  { process, journal, job, recorder }: OperatorContext,
  at: TopicPartition,
  request: OperatorRequest | Uint8Array,
): void {
  const ports = { journal: journal.connect(process), failpoints: process.failpoints };
  const filed =
    request instanceof Uint8Array
      ? passing(ports.failpoints, 'journal.fileRequest', () =>
          ports.journal.fileRequest(requestSubject(job, at), request),
        )
      : fileOperatorRequest(ports, job, at, request);
  filed.then(
    (requestId) => {
      recorder.tell(process, `has filed request ${requestId}`);
    },
    (error: unknown) => {
      recorder.tell(process, `fails: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
}
