/** The journal's events: past facts, versioned by their entry. No stack traces, no secrets, no payloads. */
import { z } from 'zod';
import { claimId, crc64Hex, entryHash, journalId, partId } from './ids.ts';

const offset = z.stringFormat('offset', /^\d{1,19}$/).transform((text) => BigInt(text));
const count = z.number().int().nonnegative();
const part = z.string().transform((text) => partId(text));
/**
 * Durable handle of a file in its store's own format (upload id, ETags ...). Null if names and lengths are
 * enough.
 */
const handle = z.json();
const leaderEpoch = count.nullable();
/**
 * Where the source's log differs from the one that was read: records from `divergedAt` on were replaced.
 * `leaderEpoch` ends there or later; it detects a log that is truncated again before more of it was read.
 * Null if none is known.
 */
const truncation = z.object({ divergedAt: offset, leaderEpoch });
export type LogTruncation = z.output<typeof truncation>;
/** A leader epoch of the source's log, and the first offset that was read in it. */
const epochStart = z.object({ epoch: count, startOffset: offset });
export type EpochStart = z.output<typeof epochStart>;
/** An entry that a place outside the journal remembers. */
const witnessed = z.object({
  source: z.enum(['group', 'destination']),
  journalId: z.string().transform((text) => journalId(text)),
  seq: count,
  hash: z.string().transform((text) => entryHash(text)),
});
export type WitnessedEntry = z.output<typeof witnessed>;

export type JsonValue = z.output<typeof handle>;

export const ROLL_REASONS = ['size', 'age', 'idle', 'checkpoint', 'operator', 'end', 'recovery'] as const;
export type RollReason = (typeof ROLL_REASONS)[number];

/** State of one part file in a completed checkpoint. Bytes after `length` do not exist. */
const partChange = z.object({
  partId: part,
  state: z.enum(['inProgress', 'pending']),
  length: count,
  records: count,
  firstOffset: offset,
  lastOffset: offset,
  crc64: z.string().transform((text) => crc64Hex(text)),
  handle,
  /** Why and when (wall clock) the file was rolled; null while it is in progress. */
  roll: z.object({ reason: z.enum(ROLL_REASONS), atMs: count }).nullable(),
});
export type PartChange = z.output<typeof partChange>;

const jobStarted = z.object({
  type: z.literal('jobStarted'),
  fingerprint: z.string(),
  version: z.string(),
  groupId: z.string().nullable(),
  clusterId: z.string().nullable(),
  /**
   * Topics that this start is the first to name, with the start offset of each partition, by partition
   * number.
   */
  topics: z.array(
    z.object({ topic: z.string(), topicId: z.string().nullable(), startOffsets: z.array(offset) }),
  ),
  /** Destination of its files; null in a journal of format 1. */
  sinkUri: z.string().nullable(),
  /**
   * Effective configuration without secrets, for later readers of the journal; null in a journal of format 1.
   */
  config: z.json(),
  /** Changes that the operator has allowed for this start. */
  moved: z.array(z.enum(['sink', 'group'])),
});
/** The marker was created at this sink. From now on, a missing marker means that the sink is not there. */
const markerMade = z.object({ type: z.literal('markerMade'), sink: z.string() });
const jobStopped = z.object({ type: z.literal('jobStopped'), reason: z.enum(['signal', 'end', 'failure']) });

const epochClaimed = z.object({
  type: z.literal('epochClaimed'),
  epoch: count,
  claimId: z.string().transform((text) => claimId(text)),
  /** Where reading starts if there is no earlier checkpoint; ignored otherwise. */
  startOffset: offset,
  /** `host:pid` of the process that claims, for people. Absent if it is not known. */
  owner: z.string().optional(),
  /** What its job file makes of records (src/job/placing.ts). Absent in journals of earlier versions. */
  placing: z.string().optional(),
});
const partOpened = z.object({
  type: z.literal('partOpened'),
  partId: part,
  bucket: z.string(),
  /** Where readers will find the file; it is written at temporaryUri until then. */
  finalUri: z.string(),
  temporaryUri: z.string(),
  /** Of its content: `text`, `json.zstd`, ... (src/formats). A file is continued only under the same one. */
  format: z.string(),
  firstOffset: offset,
  /**
   * Generation of the source's log: 1, plus 1 for each accepted truncation. Offsets belong to a generation.
   */
  generation: count.min(1),
  openedAtMs: count,
});
/**
 * If the store needs more than the names to clean up (an upload id, say), it is journaled before the first
 * byte.
 */
const partStarted = z.object({ type: z.literal('partStarted'), partId: part, handle });
/** Precedes every copy or rename of a temporary file. */
const partMoved = z.object({
  type: z.literal('partMoved'),
  partId: part,
  fromUri: z.string(),
  toUri: z.string(),
});
/**
 * Part changes that did not fit the entry of their checkpoint; void unless checkpointCompleted counts them.
 */
const checkpointPart = z.object({
  type: z.literal('checkpointPart'),
  checkpoint: count,
  index: count,
  parts: z.array(partChange),
});
const checkpointCompleted = z.object({
  type: z.literal('checkpointCompleted'),
  checkpoint: count,
  nextOffset: offset,
  /**
   * Kafka's leader epoch of the last batch below nextOffset, and the first offset read in it; null if
   * unknown.
   */
  leaderEpoch,
  leaderEpochStart: offset.nullable(),
  /**
   * Leader epochs read before `leaderEpoch`, oldest first, without a gap. If absent, the known ones remain
   * valid if `leaderEpoch` and its start are unchanged; otherwise none is known.
   */
  earlierLeaderEpochs: z.array(epochStart).optional(),
  /** Records read since the previous checkpoint, and how many of them were skipped, by reason. */
  recordsRead: count,
  recordsSkipped: z.object({ nullValue: count, bad: count.optional() }),
  /**
   * Records that were read again after a rewind, and that earlier checkpoints have counted: other files hold
   * them, or they were skipped. Absent: none.
   */
  recordsAlreadyHeld: count.optional(),
  /**
   * Bad records since the previous checkpoint, by reason: skipped ones, and those in files of bad records.
   */
  recordsBad: z.array(z.object({ reason: z.string(), records: count })).optional(),
  /** Number of checkpointPart entries that belong to this checkpoint. */
  checkpointParts: count,
  parts: z.array(partChange),
});
const partCommitted = z.object({ type: z.literal('partCommitted'), partId: part });
const partDiscarded = z.object({ type: z.literal('partDiscarded'), partId: part });
const partitionStopped = z.object({
  type: z.literal('partitionStopped'),
  code: z.string(),
  message: z.string(),
  /** Offsets that are lost or in doubt, [from, to); null if the cause is not a range. */
  fromOffset: offset.nullable(),
  toOffset: offset.nullable(),
  files: z.array(z.string()),
  /** Where the source's log was truncated; null for every other cause. */
  truncation: truncation.nullable(),
});
/** The source no longer names the partition, and all its data is published. */
const partitionRetired = z.object({ type: z.literal('partitionRetired') });
const request = { requestId: count };
const rollRequested = z.object({ type: z.literal('rollRequested'), ...request });
const resumeRequested = z.object({ type: z.literal('resumeRequested'), ...request });
/** The operator gives up [fromOffset, toOffset): nextOffset becomes toOffset. */
const lossAccepted = z.object({
  type: z.literal('lossAccepted'),
  ...request,
  fromOffset: offset,
  toOffset: offset,
});
/** The operator continues in the log that replaced the one that was read: nextOffset becomes divergedAt. */
const logTruncationAccepted = z.object({
  type: z.literal('logTruncationAccepted'),
  ...request,
  ...truncation.shape,
});
/** The operator's answer to a journal that is older than these witnesses; they are not judged again. */
const witnessAnswered = z.object({
  type: z.literal('witnessAnswered'),
  ...request,
  answer: z.enum(['from-journal', 'from-witness']),
  witnesses: z.array(witnessed),
  /** Offsets that are given up: nextOffset becomes toOffset. Null if there are none. */
  loss: z.object({ fromOffset: offset, toOffset: offset }).nullable(),
});
/**
 * Part files whose checkpointed bytes are lost, as far as they do not fit the entry of the rewind; void
 * unless partitionRewound counts them.
 */
const partsDamaged = z.object({
  type: z.literal('partsDamaged'),
  ...request,
  index: count,
  parts: z.array(part),
});
/**
 * The operator has the records of damaged part files read again: nextOffset goes back to the first of them.
 * The files are discarded. Up to the former nextOffset, a record is written again if it lies in the offsets
 * of a discarded file of its bucket; all others are in files already.
 */
const partitionRewound = z.object({
  type: z.literal('partitionRewound'),
  ...request,
  nextOffset: offset,
  /** What decides the bucket of a record, and whether it is written: has to be the same until then. */
  placing: z.string(),
  /** Offsets from there on that operators had given up: they are not read again, either. */
  givenUp: z.array(z.object({ fromOffset: offset, toOffset: offset })),
  /** Number of partsDamaged entries that belong to this request. */
  damagedParts: count,
  parts: z.array(part),
});
const requestRefused = z.object({ type: z.literal('requestRefused'), ...request, reason: z.string() });

export const journalEventSchema = z.discriminatedUnion('type', [
  jobStarted,
  markerMade,
  jobStopped,
  epochClaimed,
  partOpened,
  partStarted,
  partMoved,
  checkpointPart,
  checkpointCompleted,
  partCommitted,
  partDiscarded,
  partitionStopped,
  partitionRetired,
  rollRequested,
  resumeRequested,
  lossAccepted,
  logTruncationAccepted,
  witnessAnswered,
  partsDamaged,
  partitionRewound,
  requestRefused,
]);

export type JournalEvent = z.output<typeof journalEventSchema>;
export const EVENT_TYPES: readonly JournalEvent['type'][] = journalEventSchema.options.map(
  ({ shape }) => shape.type.value,
);
export type EventOf<T extends JournalEvent['type']> = Extract<JournalEvent, { type: T }>;
/** Events of the job's own subject; all others belong to a partition's subject. */
export type JobEvent = EventOf<'jobStarted' | 'markerMade' | 'jobStopped'>;
export type PartitionEvent = Exclude<JournalEvent, JobEvent>;

const JOB_EVENTS: readonly JournalEvent['type'][] = ['jobStarted', 'markerMade', 'jobStopped'];

export function isJobEvent(event: JournalEvent): event is JobEvent {
  return JOB_EVENTS.includes(event.type);
}

/** A request of an operator: filed in the request subject, journaled by the owner. */
export const operatorRequestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('roll') }),
  z.object({
    type: z.literal('resume'),
    /** The answer to a journal that was rolled back; null if the request is not about that. */
    from: z.enum(['journal', 'witness']).nullable().default(null),
    acceptLoss: z.boolean().default(false),
  }),
  z.object({ type: z.literal('acceptLoss'), fromOffset: offset, toOffset: offset }),
  /** `divergedAt` is the operator's expectation; null accepts the offset of the stop. */
  z.object({ type: z.literal('acceptTruncation'), divergedAt: offset.nullable() }),
  z.object({
    type: z.literal('repair'),
    /** Closed files that are gone were not published and taken away: the operator knows. */
    notTaken: z.boolean().default(false),
  }),
]);
export type OperatorRequest = z.output<typeof operatorRequestSchema>;
