/**
 * The end of a bounded run: every partition of its topics is at its end, whoever has read it. Other bounded
 * members may share the topics; what they have read is in the journal.
 */
import { inCurrentCodes } from '../partition/stopFacts.ts';
import type { StopFacts } from '../../actors/facts.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import type { OffsetRange } from '../sources/port.ts';
import type { JobFacts } from '../job/jobLife.ts';
import type { Context } from '../job/context.ts';
import { replayPartition } from '../partition/replayPartition.ts';

const LOOK_AGAIN_MS = 1_000;
const REMIND_MS = 60_000;
/** A lost member is detected within its session timeout, and a rebalance takes no longer than this. */
const NO_PROGRESS_MS_MIN = 120_000;
const NO_PROGRESS_INTERVALS = 3;

export interface BoundedTopics {
  readonly context: Context;
  readonly facts: JobFacts;
  /** End offsets of the topics when the run began, by topic and partition number. */
  readonly ranges: ReadonlyMap<string, readonly OffsetRange[]>;
  /** Whether this process itself has read the partition to its end, by name. */
  readonly isEnded: (name: string) => boolean;
  /** Whether the answer is no longer needed: the coordinator drains, or has partitions of its own to read. */
  readonly isOver: () => boolean;
}

/** Partitions that are stopped in the journal, with their stops, by name. */
export type StoppedElsewhere = ReadonlyMap<string, StopFacts>;

interface Standing {
  readonly stopped: Map<string, StopFacts>;
  /** Partitions that are not at their end, by name, with their next offsets. */
  readonly behind: Map<string, bigint>;
}

/**
 * Resolves with what stopped elsewhere after every partition is at its end or stopped. Resolves with null if
 * `isOver`. Rejects with SOURCE_NOT_AT_END, naming the partitions, if nobody reads them.
 */
export async function topicsEnded(bounded: BoundedTopics): Promise<StoppedElsewhere | null> {
  const { clock, log } = bounded.context.ports;
  const patienceMs = Math.max(
    NO_PROGRESS_MS_MIN,
    NO_PROGRESS_INTERVALS * bounded.context.settings.checkpointIntervalMs,
  );
  let seen = '';
  let seenMs = clock.nowMs();
  for (let toldMs = -Infinity; ;) {
    const standing = await standingOf(bounded);
    if (bounded.isOver()) return null;
    if (standing !== null && standing.behind.size === 0) return standing.stopped;
    const nowMs = clock.nowMs();
    const found = standing === null ? seen : [...standing.behind].join();
    if (found !== seen) [seen, seenMs] = [found, nowMs];
    if (standing !== null && nowMs - seenMs >= patienceMs) throw notAtEnd([...standing.behind.keys()]);
    if (standing !== null && nowMs - toldMs >= REMIND_MS) {
      toldMs = nowMs;
      const partitions = [...standing.behind.keys()];
      log.info({ partitions }, `waiting for others to read ${partitions.join(', ')} to the end`);
    }
    await clock.pause(LOOK_AGAIN_MS);
  }
}

/** Null if the journal does not answer. */
async function standingOf(bounded: BoundedTopics): Promise<Standing | null> {
  const { ranges, isEnded, isOver } = bounded;
  const standing: Standing = { stopped: new Map(), behind: new Map() };
  try {
    for (const [topic, ends] of ranges) {
      for (const [partition, { endOffset }] of ends.entries()) {
        const at = { topic, partition };
        if (isOver()) return standing;
        if (!isEnded(partitionName(at))) await look(bounded, at, endOffset, standing);
      }
    }
    return standing;
  } catch (error) {
    if (!isJournalFailure(error, 'unavailable')) throw error;
    return null;
  }
}

async function look(
  { context, facts }: BoundedTopics,
  at: TopicPartition,
  endOffset: bigint,
  { stopped, behind }: Standing,
): Promise<void> {
  const { journal, log } = context.ports;
  const subject = partitionSubject(context.settings.job, at);
  const { ledger } = await replayPartition({ journal, subject, partition: at, log });
  const { stop, retired } = ledger.facts;
  const startOffset = facts.topics.get(at.topic)?.startOffsets[at.partition] ?? 0n;
  const nextOffset = ledger.facts.nextOffset ?? startOffset;
  if (stop !== null) stopped.set(partitionName(at), inCurrentCodes(stop));
  else if (nextOffset < endOffset && retired)
    stopped.set(partitionName(at), deleted(at, nextOffset, endOffset));
  else if (nextOffset < endOffset) behind.set(partitionName(at), nextOffset);
}

function notAtEnd(partitions: readonly string[]): TidemarkError {
  return new TidemarkError(
    'SOURCE_NOT_AT_END',
    `${partitions.join(', ')} are not read to the end: no coordinator of this job has gone on with them. ` +
      'Look who else is in the group, then run it again.',
    { fields: { partitions } },
  );
}

function deleted({ topic }: TopicPartition, fromOffset: bigint, toOffset: bigint): StopFacts {
  const message =
    `Topic ${topic} was deleted while it was read: it ended at offset ${toOffset}, and was read up to ` +
    `${fromOffset}.`;
  return { code: 'SOURCE_TOPIC_MISSING', message, fromOffset, toOffset, files: [], truncation: null };
}
