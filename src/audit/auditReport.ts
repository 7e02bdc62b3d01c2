/**
 * What an audit reports: a verdict of the job, of each partition and of each bucket, with the sums behind it.
 */
import { withRowsFiles } from '../../actors/naming.ts';
import type { RollReason } from '../../journal/events.ts';
import type { JobName, JournalId, TopicPartition } from '../../journal/ids.ts';
import type { DeepAudit } from './deep/deepAudit.ts';
import type { DeepPartition } from './deep/deepReport.ts';
import type { Destination } from './destination.ts';
import type { Finding, Findings, Unchecked } from './findings.ts';
import type { PartFileComparison } from './partFileComparison.ts';
import type { PartitionHistory } from './partitionHistory.ts';
import type { FileTotals } from './totals.ts';

/** `incomplete`: nothing is wrong as far as it could be looked at. */
export type AuditVerdict = 'clean' | 'damaged' | 'incomplete';

export interface PartitionVerdict {
  readonly partition: TopicPartition;
  readonly verdict: 'clean' | 'damaged';
  readonly findings: number;
  /** At the journal's end. */
  readonly epoch: number;
  readonly stop: { readonly code: string; readonly message: string } | null;
  readonly entries: number;
  readonly checkpoints: number;
  /** nextOffset advanced from `first` to `next` by records, holes and offsets that were given up. */
  readonly offsets: {
    readonly first: bigint | null;
    readonly next: bigint | null;
    readonly holes: bigint;
    readonly lost: bigint;
    /** Offsets that count twice, because the log was replaced there. */
    readonly replaced: bigint;
    /** Offsets that count twice, because repairs read them again. */
    readonly rewound: bigint;
  };
  /** read = written + skipped + alreadyHeld; written = committed + open + lost. */
  readonly records: {
    readonly read: number;
    readonly skipped: number;
    /** Read again for repairs, and counted before: other files hold them. */
    readonly alreadyHeld: number;
    readonly committed: number;
    readonly open: number;
    /** Of damaged files that repairs have discarded: read and written again. */
    readonly lost: number;
  };
  readonly files: {
    readonly committed: number;
    readonly committedBytes: number;
    readonly discarded: number;
    readonly inProgress: number;
    readonly pending: number;
    readonly rolls: Readonly<Partial<Record<RollReason, number>>>;
  };
  readonly buckets: readonly (FileTotals & { readonly bucket: string })[];
  /** Buckets beyond those that are listed; null if all are. */
  readonly otherBuckets: FileTotals | null;
}

/** What the journal alone says of a job. */
export interface JournalReport {
  readonly job: JobName;
  readonly journalId: JournalId;
  readonly verdict: AuditVerdict;
  readonly partitions: readonly PartitionVerdict[];
  /** The first ones; `findingsTotal` counts all. */
  readonly findings: readonly Finding[];
  readonly findingsTotal: number;
  /** What could not be looked at. */
  readonly unchecked: readonly Unchecked[];
}

export interface AuditReport extends JournalReport {
  /** The comparison with the source, by partition; null if it was not asked for. */
  readonly deep: readonly DeepPartition[] | null;
  readonly files: {
    readonly compared: number;
    readonly comparedBytes: number;
    /** Committed files that are gone, as it was said they may be. */
    readonly moved: number;
    /** Files that are not published yet, and that nobody but their writer can read. */
    readonly hidden: number;
    /** Visible files with other names than this job's. */
    readonly others: number;
    /** Temporary files that the journal does not hold as open: leftovers, or those of another job. */
    readonly leftovers: number;
  };
}

export interface JournalOutcome {
  readonly job: JobName;
  readonly journalId: JournalId;
  readonly histories: readonly PartitionHistory[];
  readonly findings: Findings;
}

export interface AuditOutcome extends JournalOutcome {
  readonly destination: Destination;
  readonly files: PartFileComparison;
  readonly deep: DeepAudit | null;
}

export function reportOf(outcome: AuditOutcome): AuditReport {
  const { histories, destination, files, deep } = outcome;
  const open = histories.flatMap(({ ledger }) =>
    [...ledger.parts()].flatMap(({ context }) => withRowsFiles(context.format, [context.temporaryUri])),
  );
  return {
    ...journalReportOf(outcome),
    deep: deep?.partitions ?? null,
    files: {
      ...{ compared: files.files, comparedBytes: files.comparedBytes, moved: files.moved },
      hidden: files.hidden,
      ...{ others: destination.others, leftovers: Math.max(0, destination.temporary - open.length) },
    },
  };
}

export function journalReportOf({ job, journalId, histories, findings }: JournalOutcome): JournalReport {
  return {
    ...{ job, journalId },
    verdict: findings.total > 0 ? 'damaged' : findings.unchecked.length > 0 ? 'incomplete' : 'clean',
    partitions: histories.map((history) => verdictOf(history, findings.countOf(history.partition))),
    ...{ findings: findings.listed, findingsTotal: findings.total, unchecked: findings.unchecked },
  };
}

function verdictOf(history: PartitionHistory, findings: number): PartitionVerdict {
  const { partition, totals, ledger } = history;
  const { epoch, nextOffset, stop } = ledger.facts;
  const count = (status: 'inProgress' | 'pending'): number => [...ledger.parts(status)].length;
  return {
    ...{ partition, findings, verdict: findings === 0 ? 'clean' : 'damaged', epoch },
    stop: stop === null ? null : { code: stop.code, message: stop.message },
    ...{ entries: totals.entries, checkpoints: totals.checkpoints },
    offsets: {
      ...{ first: totals.firstOffset, next: nextOffset, holes: totals.holes },
      ...{ lost: totals.offsetsLost, replaced: totals.offsetsReplaced, rewound: totals.offsetsRewound },
    },
    records: {
      ...{ read: totals.recordsRead, skipped: totals.recordsSkipped, committed: totals.committedRecords },
      alreadyHeld: totals.recordsAlreadyHeld,
      open: totals.recordsWritten - totals.committedRecords - totals.recordsLost,
      lost: totals.recordsLost,
    },
    files: {
      ...{ committed: totals.committed, committedBytes: totals.committedBytes, discarded: totals.discarded },
      ...{
        inProgress: count('inProgress'),
        pending: count('pending'),
        rolls: Object.fromEntries(totals.rolls),
      },
    },
    buckets: [...totals.buckets.named]
      .map(([bucket, sums]) => ({ bucket, ...sums }))
      .toSorted((a, b) => (a.bucket < b.bucket ? -1 : 1)),
    otherBuckets: totals.buckets.others,
  };
}
