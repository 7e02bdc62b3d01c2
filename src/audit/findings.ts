/** What an audit can find wrong, and what it could not look at. */
import { asTidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';

/** Every kind of damage, with its meaning. docs/audit.md lists them; a test compares. */
export const FINDINGS = {
  ENTRY_DAMAGED: 'an entry was changed, is missing, or is out of order: the hash chain breaks there',
  ENTRY_NOT_CLAIMED: 'an entry belongs to another partition, or to an epoch or claim that the journal does not hold',
  EPOCH_SKIPPED: 'a claim does not have the epoch after the one before it',
  TRANSITION_ILLEGAL: 'an event that no coordinator can journal at that place',
  OFFSET_WENT_BACK: 'nextOffset decreased without an answer of an operator',
  RECORDS_DO_NOT_ADD_UP: 'records read are not the growth of the files plus what was skipped',
  OFFSETS_DO_NOT_ADD_UP: 'nextOffset advanced by less than the records that were read',
  RANGES_CONTRADICT: 'the offsets of a file contradict another file of its bucket, or its checkpoint',
  SNAPSHOT_DIFFERS: 'a snapshot holds another state than the entries before it lead to',
  WITNESS_DIFFERS: 'a witness outside the journal saw an entry that the journal does not hold',
  MARKER_DIFFERS: 'the destination belongs to another journal',
  GROUP_AHEAD: "the consumer group's offset is ahead of the journal: a restart by it would lose records",
  FILE_MISSING: 'a file that the journal holds is not at the destination',
  FILE_DIFFERS: 'a file does not hold the bytes that were journaled',
  FILE_UNKNOWN: 'a file with a name of this job is not in its journal',
} as const;

export type FindingCode = keyof typeof FINDINGS;

export interface Finding {
  readonly code: FindingCode;
  /** Null for the job as a whole. */
  readonly partition: TopicPartition | null;
  /** Entry of the partition's subject, or of the job's own; null if the finding is about no entry. */
  readonly seq: number | null;
  /** File that the finding is about. */
  readonly uri: string | null;
  /** What is wrong, with the facts that differ. */
  readonly message: string;
}

/** Why a part of the audit could not be made. */
export interface Unchecked {
  readonly what: string;
  readonly code: string;
  readonly message: string;
}

/** Receives findings in the order in which they are made. */
export type OnFinding = (finding: Finding) => void;

/** Findings that are reported one by one; more are counted. */
const LISTED_MAX = 1_000;

/** Collects what an audit finds. */
export class Findings {
  /** The first ones. */
  readonly listed: Finding[] = [];
  readonly unchecked: Unchecked[] = [];
  readonly #byPartition = new Map<string, number>();
  total = 0;

  add(finding: Finding): void {
    this.total += 1;
    if (this.listed.length < LISTED_MAX) this.listed.push(finding);
    if (finding.partition === null) return;
    const name = partitionName(finding.partition);
    this.#byPartition.set(name, (this.#byPartition.get(name) ?? 0) + 1);
  }

  countOf(partition: TopicPartition): number {
    return this.#byPartition.get(partitionName(partition)) ?? 0;
  }

  /** `what` could not be looked at, because of an error. */
  couldNot(what: string, error: unknown): void {
    const { code, message } = asTidemarkError(error, `Looking at ${what}`);
    this.unchecked.push({ what, code, message });
  }
}
