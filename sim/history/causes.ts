/** What the journal of a stretch says happened to the partition from outside: faults that bring it about. */
import { currentCode } from '../../journal/errors.ts';
import type { EventOf, JournalEvent, PartitionEvent } from '../../journal/events.ts';
import type { Fault, LogItem } from '../schedule.ts';
import { isAnswer } from './answers.ts';
import type { StretchEntry } from './stretch.ts';
import type { PlacedItem } from './workload.ts';

/** An event of the stretch, and when and where it is to happen in the world. */
export interface Cause {
  readonly event: JournalEvent;
  readonly before: Pick<StretchEntry, 'leaderEpoch' | 'nextOffset'>;
  readonly isStopped: boolean;
  /** Of a stop: whether an operator's repair ended it. */
  readonly isRepaired: boolean;
  readonly atMs: number;
  readonly place: number;
  /** The log so far, as it is laid out. */
  readonly items: readonly PlacedItem[];
  /** A number of the journal's records as one of the world's. */
  readonly scaled: (count: number) => number;
  readonly wallStartMs: number;
}

export interface Caused {
  readonly faults: readonly Fault[];
  /** Records that nobody read before they were gone. */
  readonly items?: readonly LogItem[];
  /** What the world cannot bring about. */
  readonly note?: string;
}

const NOTHING: Caused = { faults: [] };
/** A process sleeps while what it has not read is lost. */
const ASLEEP_MS = 50;
/** How long an operator looks after a journal that went back. */
const ANSWERS_MS = 22_000;
const JOURNAL_ENTRIES_LOST = 3;
const LOST_RECORDS_MAX = 50;
const GROWN = 3;

export function causesOf(cause: Cause): Caused {
  const { event, atMs } = cause;
  const ask = (asks: 'resume' | 'acceptLoss' | 'acceptTruncation', skew = 0): Caused => {
    return { faults: [{ type: 'request', partition: 0, atMs, asks, skew }] };
  };
  switch (event.type) {
    case 'checkpointCompleted':
      return isElection(event, cause) ? { faults: [{ type: 'election', partition: 0, atMs }] } : NOTHING;
    case 'partitionStopped':
      return causesOfStop(event, cause);
    case 'rollRequested':
      return { faults: [{ type: 'roll', partition: 0, atMs }] };
    case 'resumeRequested':
      return ask('resume');
    case 'lossAccepted':
      return ask('acceptLoss');
    case 'logTruncationAccepted':
      return ask('acceptTruncation');
    case 'requestRefused':
      return cause.isStopped ? ask('acceptLoss', 1) : ask('resume');
    case 'witnessAnswered':
      return { faults: [answerOf(event, atMs)] };
    case 'partitionRetired':
      return { faults: [], note: 'the partition was retired: the world keeps its topic' };
    default:
      return NOTHING;
  }
}

function isElection({ leaderEpoch }: EventOf<'checkpointCompleted'>, { before }: Cause): boolean {
  return leaderEpoch !== null && before.leaderEpoch !== null && leaderEpoch > before.leaderEpoch;
}

function answerOf({ answer, loss }: EventOf<'witnessAnswered'>, atMs: number): Fault {
  const from = answer === 'from-journal' ? 'journal' : 'witness';
  return { type: 'answer', atMs, forMs: ANSWERS_MS, from, acceptLoss: loss !== null };
}

function causesOfStop(stop: EventOf<'partitionStopped'>, cause: Cause): Caused {
  const { atMs, isRepaired } = cause;
  if (isRepaired)
    return { faults: [], note: 'files were lost and repaired: the world has no such moment, it is left out' };
  const code = currentCode(stop.code);
  switch (code) {
    case 'SOURCE_TRUNCATED':
      return { faults: [truncation(stop, cause)] };
    case 'SOURCE_RANGE_LOST':
      return rangeLost(stop, cause);
    case 'SOURCE_REPLACED':
      return { faults: [{ type: 'replaceTopic', atMs, cluster: false }] };
    case 'JOURNAL_ROLLED_BACK':
      return { faults: [{ type: 'journalBack', atMs, entries: JOURNAL_ENTRIES_LOST, running: false }] };
    case 'STORE_FILE_MISSING':
      return { faults: [{ type: 'hastyReader', atMs, forMs: ASLEEP_MS, everyMs: 1 }] };
    default:
      return { faults: [], note: `the world has nothing that ends in ${code}: that stop is left out` };
  }
}

function truncation({ truncation: cut }: EventOf<'partitionStopped'>, { items, atMs, before }: Cause): Fault {
  const divergedAt = cut?.divergedAt ?? before.nextOffset ?? 0n;
  const lost = items.filter(({ item, fromOffset }) => item.atMs <= atMs && fromOffset >= divergedAt);
  const batches = Math.max(1, lost.length);
  return { type: 'logTruncated', partition: 0, atMs, batches, grown: GROWN, unseen: false };
}

/** The records arrive while the owner is asleep, and are gone when it wakes. */
function rangeLost(
  { fromOffset, toOffset }: EventOf<'partitionStopped'>,
  { atMs, place, scaled, wallStartMs }: Cause,
): Caused {
  const lost = fromOffset === null || toOffset === null ? 1 : Math.max(1, Number(toOffset - fromOffset));
  const sleepsAtMs = Math.max(0, atMs - 2);
  return {
    faults: [
      { type: 'freeze', process: place, atMs: sleepsAtMs, forMs: ASLEEP_MS },
      { type: 'expire', partition: 0, atMs: sleepsAtMs + 2, keep: 0 },
    ],
    items: [
      {
        ...{ type: 'records', atMs: sleepsAtMs + 1, records: Math.min(LOST_RECORDS_MAX, scaled(lost)) },
        ...{ nullEvery: 0, timestampMs: wallStartMs, stepMs: 0 },
      },
    ],
  };
}

/** Whether a repair answers the stop that these events follow. */
export const isRepairedIn = (behind: readonly JournalEvent[]): boolean =>
  behind.find(isAnswer)?.type === 'partitionRewound';

/** Whether the partition is stopped behind the event. */
export function isStoppedAfter(event: JournalEvent | PartitionEvent, before: boolean): boolean {
  if (event.type === 'partitionStopped') return true;
  return before && !isAnswer(event);
}
