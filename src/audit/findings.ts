/** What an audit can find wrong, and what it could not look at. */
import { asTidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';

/** A kind of damage: what it means, and what to do. docs/audit.md lists them; a test compares. */
interface FindingKind {
  readonly meaning: string;
  readonly help: string;
}

export const FINDINGS = {
  ENTRY_DAMAGED: {
    meaning: 'an entry was changed, is missing, or is out of order: the hash chain breaks there',
    help: 'Restore the journal from a backup. Nothing after that entry was judged.',
  },
  ENTRIES_LOST: {
    meaning:
      'the journal gives fewer entries than it has stored: its server dropped them, or cannot read them',
    help:
      'Restore the journal from a backup. If nothing else is found, export the journal and ' +
      'import it into a new stream.',
  },
  REQUEST_DAMAGED: {
    meaning: "an operator's request was changed, or cannot be read",
    help: 'Restore the journal from a backup, or file the request again. The partition stops at it.',
  },
  ENTRY_NOT_CLAIMED: {
    meaning: 'an entry belongs to another partition, or to an epoch or claim that the journal does not hold',
    help: 'Find out what else writes to the journal; restore it from a backup.',
  },
  EPOCH_SKIPPED: {
    meaning: 'a claim does not have the epoch after the one before it',
    help: 'Entries between the two were lost or forged: restore the journal from a backup.',
  },
  TRANSITION_ILLEGAL: {
    meaning: 'an event that no owner can journal at that place',
    help: 'The journal was forged, or Tidemark has a bug: keep a backup of the journal, and report it.',
  },
  OFFSET_WENT_BACK: {
    meaning: 'nextOffset decreased without an answer of an operator',
    help: 'Records from there on may be in two files. Keep a backup of the journal, and report it.',
  },
  RECORDS_DO_NOT_ADD_UP: {
    meaning:
      'the records that were read are not the growth of the files plus what was skipped, or held already',
    help: 'Records of that checkpoint are missing or doubled. Keep a backup of the journal, and report it.',
  },
  OFFSETS_DO_NOT_ADD_UP: {
    meaning: 'nextOffset advanced by less than the records that were read',
    help: 'Keep a backup of the journal, and report it.',
  },
  RANGES_CONTRADICT: {
    meaning: 'the offsets of a file contradict another file of its bucket, or its checkpoint',
    help: 'Records may be in two files. Keep a backup of the journal, and report it.',
  },
  SNAPSHOT_DIFFERS: {
    meaning: 'a snapshot holds another state than the entries before it lead to',
    help: 'Stop the job and report it: a restart would continue from a wrong state.',
  },
  WITNESS_DIFFERS: {
    meaning: 'a place outside the journal remembers an entry that the journal does not hold',
    help: 'An older copy of the journal is in place: docs/restored-journal.md.',
  },
  MARKER_DIFFERS: {
    meaning: 'the destination has no marker, or that of another journal',
    help: 'Check that sink.path and the journal belong together, and that the destination is mounted.',
  },
  GROUP_AHEAD: {
    meaning: "the consumer group's offset is ahead of the journal",
    help:
      'Somebody set it. Tidemark goes by its journal; a consumer that goes by the group would ' +
      'skip records.',
  },
  FILE_MISSING: {
    meaning: 'a file that the journal holds is not at the destination',
    help: 'Restore the file. If it was moved away on purpose, say so with --moved or --moved-before.',
  },
  FILE_DIFFERS: {
    meaning: 'a file does not hold the bytes that were journaled',
    help: 'Something else wrote to it: restore the file. The job never changes a published file.',
  },
  FILE_UNKNOWN: {
    meaning: 'a file has a name of this job, and its journal does not hold it',
    help:
      'Another job with the same prefix wrote it, or the journal went back: readers see its ' +
      'records, maybe twice.',
  },
  FILE_UNREADABLE: {
    meaning: 'a published file is none of its format: its rows, or its lines, cannot be read (--deep)',
    help:
      'Readers fail at it. If the journal agrees with its bytes, keep the file, and report it. ' +
      'Else restore it.',
  },
  RECORD_MISSING: {
    meaning: 'the source holds a record that the job has read, and its file does not hold it (--deep)',
    help: 'The record is lost to readers: keep a backup of the journal and of the file, and report it.',
  },
  RECORD_UNEXPECTED: {
    meaning: 'a file holds a line that is no record of the source at that place (--deep)',
    help: 'Readers see it once too often, or it was forged: keep a backup of both, and report it.',
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

export type FindingCode = keyof typeof FINDINGS;

export interface Finding {
  readonly code: FindingCode;
  /** Null for the job as a whole. */
  readonly partition: TopicPartition | null;
  /** Entry of the partition's subject, or of the job's own; null if the finding is about no entry. */
  readonly seq: number | null;
  /** File that the finding is about. */
  readonly uri: string | null;
  /** Of a record that a deep audit misses; for an unexpected one, of the record that follows. */
  readonly offset?: bigint | null;
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
