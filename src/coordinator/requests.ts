/** Operator requests: filed beside the partition's journal by any process, taken up and journaled by the owner alone. */
import { operatorRequestSchema, type OperatorRequest, type PartitionEvent } from '../../journal/events.ts';
import type { JobName, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { requestSubject } from '../../journal/subjects.ts';
import { passing, type Failpoints } from '../failpoints.ts';
import type { StopFacts } from '../../actors/facts.ts';
import type { Stage } from '../../actors/ledger.ts';

export interface FiledRequest {
  readonly requestId: number;
  /** Null where it cannot be read: a damaged one, or of a newer Tidemark. It is refused, so that those behind it have their turn. */
  readonly request: OperatorRequest | null;
}

/** Files a request and gives its id. */
export async function fileOperatorRequest(
  ports: { readonly journal: Journal; readonly failpoints: Failpoints },
  job: JobName,
  partition: TopicPartition,
  request: OperatorRequest,
): Promise<number> {
  const text = JSON.stringify(request, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  const bytes = new TextEncoder().encode(text);
  return passing(ports.failpoints, 'journal.fileRequest', () =>
    ports.journal.fileRequest(requestSubject(job, partition), bytes),
  );
}

/** Requests filed after the last one that was taken up. */
export async function readRequests(
  journal: Journal,
  job: JobName,
  partition: TopicPartition,
  after: number,
): Promise<FiledRequest[]> {
  const requests: FiledRequest[] = [];
  for await (const batch of journal.read(requestSubject(job, partition), after)) {
    for (const stored of batch) {
      requests.push({ requestId: stored.revision, request: parseRequest(stored.bytes) });
    }
  }
  return requests;
}

function parseRequest(bytes: Uint8Array): OperatorRequest | null {
  try {
    return operatorRequestSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What the owner journals for a request, given the partition's state. */
export function decideRequest(state: Stage, { requestId, request }: FiledRequest): readonly PartitionEvent[] {
  const { stop, nextOffset } = state.facts;
  const refuse = (reason: string): readonly PartitionEvent[] => [
    { type: 'requestRefused', requestId, reason },
  ];
  if (request === null) return refuse('It is not readable: damaged, or filed by a newer Tidemark.');
  switch (request.type) {
    case 'roll':
      return stop === null
        ? [{ type: 'rollRequested', requestId }]
        : refuse('The partition is stopped: nothing is open.');
    case 'resume':
      if (request.from !== null) return refuse('The journal did not go back: resume without that answer.');
      return stop === null
        ? refuse('The partition is not stopped.')
        : [{ type: 'resumeRequested', requestId }];
    case 'acceptLoss': {
      const { fromOffset, toOffset } = request;
      if (stop === null) return refuse('The partition is not stopped: there is no loss to accept.');
      if (stop.truncation !== null)
        return refuse('The log went back, and holds other records: accept-truncation reads them.');
      if (stop.files.length > 0) {
        // Their records lie below nextOffset: giving up offsets behind it would lose more and mend nothing.
        return refuse(`No offsets are lost, but ${stop.files.join(', ')}: mend that, then resume.`);
      }
      if (fromOffset !== nextOffset || toOffset <= fromOffset) {
        return refuse(
          `The loss must begin at nextOffset ${nextOffset ?? 0n} and end behind it, not [${fromOffset}, ${toOffset}).`,
        );
      }
      return [{ type: 'lossAccepted', requestId, fromOffset, toOffset }];
    }
    case 'acceptTruncation': {
      const truncation = stop?.truncation ?? null;
      if (truncation === null) return refuse('The partition is not stopped by a log that went back.');
      const { divergedAt } = truncation;
      if (request.divergedAt !== null && request.divergedAt !== divergedAt)
        return refuse(`The log went back to offset ${divergedAt}, not to ${request.divergedAt}.`);
      return [{ type: 'logTruncationAccepted', requestId, ...truncation }];
    }
  }
}

/** What a halted partition answers: nothing may be journaled, so that only claiming anew, which judges the journal again, can help. */
export function decideWhileHalted(
  stop: StopFacts,
  { request }: FiledRequest,
): { readonly type: 'claimAgain' } | { readonly type: 'refused'; readonly reason: string } {
  if (request?.type === 'resume') return { type: 'claimAgain' };
  const what = request === null ? 'The request is not readable, and the' : 'The';
  return {
    type: 'refused',
    reason: `${what} partition is halted (${stop.code}): mend its cause, then resume it.`,
  };
}
