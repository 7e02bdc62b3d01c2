/** Operator requests: any process files them beside the partition's journal; only the owner handles them. */
import { bigintsAsText } from '../../kernels/json.ts';
import {
  operatorRequestSchema,
  type EventOf,
  type LogTruncation,
  type OperatorRequest,
  type PartitionEvent,
} from '../../journal/events.ts';
import type { JobName, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { requestSubject } from '../../journal/subjects.ts';
import { passing, type Failpoints } from '../system/failpoints.ts';
import type { StopFacts } from '../../actors/facts.ts';
import type { OffsetRange } from '../sources/port.ts';
import type { PartitionContext } from '../../actors/partition.ts';
import { checkpointBehind, type Jump } from './jump.ts';
import { refusedLoss, type LossFacts } from './lossRules.ts';
import { refusedRepair } from './repair.ts';

export interface FiledRequest {
  readonly requestId: number;
  /** Null if unreadable: damaged, or from a newer Tidemark. It is refused, so that later ones are handled. */
  readonly request: OperatorRequest | null;
}

/** Files a request. Resolves with its id. */
export async function fileOperatorRequest(
  ports: { readonly journal: Journal; readonly failpoints: Failpoints },
  job: JobName,
  partition: TopicPartition,
  request: OperatorRequest,
): Promise<number> {
  const bytes = new TextEncoder().encode(JSON.stringify(request, bigintsAsText));
  return passing(ports.failpoints, 'journal.fileRequest', () =>
    ports.journal.fileRequest(requestSubject(job, partition), bytes),
  );
}

/** Requests filed after the one with the id `after`. */
export async function readRequests(
  journal: Journal,
  job: JobName,
  partition: TopicPartition,
  after: number,
): Promise<FiledRequest[]> {
  const requests: FiledRequest[] = [];
  for await (const batch of journal.requests(requestSubject(job, partition), after)) {
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

/** What the source says to a request that depends on it. */
export interface SourceSays {
  /** What it holds; null if not asked, or not answered. */
  readonly range: OffsetRange | null;
  /** Null if reading does not jump; a text if it must not jump now. */
  readonly jump: Jump | string | null;
  /** The repair as far as it fits one entry; a text if there can be none. Absent if none is asked for. */
  readonly repair?: Repaired | string | null;
}

export interface Repaired {
  readonly event: EventOf<'partitionRewound'>;
  readonly jump: Jump;
}

const NOTHING_SAID: SourceSays = { range: null, jump: null };

/** The offset to which an accepted request moves the partition without saying its leader epoch, or null. */
export function jumpOf({ stop, nextOffset }: LossFacts, request: OperatorRequest | null): bigint | null {
  if (request?.type === 'acceptLoss') return request.toOffset;
  const truncation = request?.type === 'acceptTruncation' ? (stop?.truncation ?? null) : null;
  if (truncation?.leaderEpoch !== null) return null;
  // In a repair, what is below nextOffset is not concerned.
  return nextOffset !== null && nextOffset < truncation.divergedAt ? null : truncation.divergedAt;
}

/** What the owner journals for a request, given the partition's state. */
export function decideRequest(
  { facts }: { readonly facts: LossFacts },
  { requestId, request }: FiledRequest,
  { range, jump, repair = null }: SourceSays = NOTHING_SAID,
): readonly PartitionEvent[] {
  const { stop } = facts;
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
      const reason = refusedLoss(facts, request, range) ?? refusedJump(jump);
      if (reason !== null) return refuse(reason);
      return [{ type: 'lossAccepted', requestId, fromOffset, toOffset }, ...behind(jump, facts)];
    }
    case 'acceptTruncation': {
      const truncation = acceptedTruncation(facts, request.divergedAt);
      if (typeof truncation === 'string') return refuse(truncation);
      const reason = refusedJump(jump);
      if (reason !== null) return refuse(reason);
      return [{ type: 'logTruncationAccepted', requestId, ...truncation }, ...behind(jump, facts)];
    }
    case 'repair': {
      const repaired = refusedRepair(facts) ?? repair ?? 'Nobody has looked at its files: ask again.';
      return typeof repaired === 'string'
        ? refuse(repaired)
        : [repaired.event, ...behind(repaired.jump, facts)];
    }
  }
}

/** Or why it is refused. @param expected by the operator; null if not said. */
function acceptedTruncation({ stop }: LossFacts, expected: bigint | null): LogTruncation | string {
  const truncation = stop?.truncation ?? null;
  if (truncation === null) return 'The partition is not stopped by a log that went back.';
  const { divergedAt } = truncation;
  return expected === null || expected === divergedAt
    ? truncation
    : `The log went back to offset ${divergedAt}, not to ${expected}.`;
}

function refusedJump(jump: SourceSays['jump']): string | null {
  return typeof jump === 'string' ? jump : null;
}

function behind(
  jump: SourceSays['jump'],
  facts: Pick<PartitionContext, 'checkpoint'>,
): readonly PartitionEvent[] {
  return jump === null || typeof jump === 'string' ? [] : checkpointBehind(jump, facts);
}

/** Requests that the owner of the partition may accept now, best first. None if it is not stopped. */
export function proposedRequests(facts: LossFacts): readonly OperatorRequest[] {
  const { stop, nextOffset } = facts;
  const candidates: OperatorRequest[] = [{ type: 'resume', from: null, acceptLoss: false }];
  if (stop !== null && stop.toOffset !== null)
    candidates.push({ type: 'acceptLoss', fromOffset: nextOffset ?? 0n, toOffset: stop.toOffset });
  if (stop?.truncation !== undefined && stop.truncation !== null)
    candidates.push({ type: 'acceptTruncation', divergedAt: stop.truncation.divergedAt });
  const accepted = candidates.filter((request) => {
    const [event] = decideRequest({ facts }, { requestId: 0, request });
    return event?.type !== 'requestRefused';
  });
  // Only the owner can look at the files: it may refuse.
  return refusedRepair(facts) === null ? [...accepted, { type: 'repair', notTaken: false }] : accepted;
}

/** The answer of a halted partition. It journals nothing: only a new claim, which judges again, can help. */
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
