/**
 * Waits for the owners of partitions to answer requests. An owner journals its answer; a halted owner, which
 * may not, puts it into its presence record.
 */
import { decodeEntry } from '../../journal/entry.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import type { JournalEvent } from '../../journal/events.ts';
import { partitionName, type JobName, type TopicPartition } from '../../journal/ids.ts';
import type { Journal, Revision } from '../../journal/port.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import type { RequestAnswer } from './contract.ts';
import type { Clock } from '../system/clock.ts';
import { PRESENCE_STALE_MS } from '../presence/keeper.ts';
import { decodePresence, type PresenceRecord } from '../presence/record.ts';

const LOOK_EVERY_MS = 300;

export interface FiledForAnswer {
  readonly partition: TopicPartition;
  readonly requestId: Revision;
}

export interface AwaitingAnswers {
  readonly journal: Journal;
  readonly presence: PresenceBoard;
  readonly job: JobName;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly onNotice: (notice: string) => void;
}

/** In the order of the requests; `none` if nobody answered in time. */
export async function awaitAnswers(
  awaiting: AwaitingAnswers,
  filed: readonly FiledForAnswer[],
): Promise<readonly RequestAnswer[]> {
  const { clock, waitMs } = awaiting;
  const startedMs = clock.nowMs();
  const waiting = filed.map((request) => ({
    ...request,
    // The answer has a higher revision: a journal numbers all its entries and requests with one counter.
    seen: request.requestId,
    answer: null as RequestAnswer | null,
  }));
  const notices = new Notices(awaiting.onNotice);
  for (;;) {
    const records = await livePresence(awaiting, notices);
    if (records !== null) notices.aboutOwners(filed, records);
    for (const request of waiting) {
      if (request.answer !== null) continue;
      request.answer =
        answerIn(records ?? [], request) ?? (await lookIntoJournal(awaiting, request, notices));
    }
    const isOver = waiting.every(({ answer }) => answer !== null) || clock.nowMs() - startedMs >= waitMs;
    if (isOver) return waiting.map(({ answer }) => answer ?? { type: 'none' });
    await clock.pause(LOOK_EVERY_MS);
  }
}

/** Passes each notice on once. */
class Notices {
  readonly #tell: (notice: string) => void;
  readonly #told = new Set<string>();

  constructor(tell: (notice: string) => void) {
    this.#tell = tell;
  }

  tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#tell(notice);
  }

  aboutOwners(filed: readonly FiledForAnswer[], live: readonly PresenceRecord[]): void {
    if (live.length === 0) {
      this.tell(
        'no coordinator is running; the request stays filed, ' +
          'and the next one to own the partition takes it up',
      );
      return;
    }
    if (live.some(({ omitted }) => omitted.partitions > 0)) return;
    const owned = new Set(live.flatMap(({ partitions }) => partitions.map(partitionName)));
    for (const { partition } of filed) {
      if (!owned.has(partitionName(partition)))
        this.tell(`no running coordinator has ${partitionName(partition)} now; the request stays filed`);
    }
  }
}

/** Null if it cannot be read. */
async function livePresence(
  { presence, job }: AwaitingAnswers,
  notices: Notices,
): Promise<readonly PresenceRecord[] | null> {
  try {
    return (await presence.read(job)).flatMap(({ bytes, ageMs }) => {
      const record = ageMs <= PRESENCE_STALE_MS ? decodePresence(bytes) : null;
      return record === null ? [] : [record];
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    notices.tell(`whether a coordinator is running cannot be read: ${reason}`);
    return null;
  }
}

function answerIn(
  records: readonly PresenceRecord[],
  { partition, requestId }: FiledForAnswer,
): RequestAnswer | null {
  const name = partitionName(partition);
  const found = records
    .flatMap(({ answers }) => answers)
    .find((answer) => answer.requestId === requestId && partitionName(answer) === name);
  if (found === undefined) return null;
  return found.isAccepted ? { type: 'accepted' } : { type: 'refused', reason: found.reason ?? '' };
}

async function lookIntoJournal(
  { journal, job }: AwaitingAnswers,
  request: FiledForAnswer & { seen: Revision },
  notices: Notices,
): Promise<RequestAnswer | null> {
  const subject = partitionSubject(job, request.partition);
  try {
    for await (const batch of journal.read(subject, request.seen)) {
      for (const { revision, bytes } of batch) {
        for (const event of decodeEntry(bytes, `An entry of ${subject}`).events) {
          const answer = answerOf(event, request.requestId);
          if (answer !== null) return answer;
        }
        request.seen = revision;
      }
    }
  } catch (error) {
    if (!isJournalFailure(error, 'unavailable', 'corrupt', 'newer')) throw error;
    notices.tell(`the journal cannot be read: ${error.message}`);
  }
  return null;
}

function answerOf(event: JournalEvent, requestId: Revision): RequestAnswer | null {
  if (!('requestId' in event) || event.requestId !== requestId) return null;
  return event.type === 'requestRefused' ? { type: 'refused', reason: event.reason } : { type: 'accepted' };
}
