/** What was found at a destination, and what became of it. */
import { partitionName, type JobName, type JournalId, type TopicPartition } from '../../journal/ids.ts';
import type { ListedItem } from './listed.ts';
import type { Judged, Maker, PartEnd } from './partitionNames.ts';

/** Something that no entry of the journal needs. */
export interface Orphan extends Pick<ListedItem, 'uri' | 'uploadId' | 'bytes' | 'modifiedAtMs' | 'kind'> {
  /** By the clock of this machine, against the store's time; 0 for what is in its future. */
  readonly ageMs: number;
  /** `topic/partition`. */
  readonly partition: string;
  readonly partId: string;
  readonly finalUri: string;
  /** What became of the part file. */
  readonly end: PartEnd;
  readonly madeBy: Maker;
}

export interface Sum {
  readonly count: number;
  /** Without uploads, whose bytes a listing does not tell. */
  readonly bytes: number;
}

/** Of a partition that is stopped: an operator may still need it. */
export interface Withheld extends Sum {
  readonly partition: string;
  /** Why it is stopped. */
  readonly code: string;
}

/** Why nothing is called an orphan. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** An earlier sink of the job that cannot be listed. */
export interface NotListed {
  readonly uri: string;
  readonly message: string;
}

export interface OrphansReport {
  readonly job: JobName;
  readonly journalId: JournalId;
  /** Oldest first; empty if there are refusals. */
  readonly orphans: readonly Orphan[];
  readonly refusals: readonly Refusal[];
  /** Of part files that are neither committed nor discarded. */
  readonly needed: Sum;
  readonly withheld: readonly Withheld[];
  /** With names of Tidemark that this job's journal does not hold, and uploads of others. */
  readonly unknown: Sum;
  /** With names that only begin like Tidemark's. */
  readonly others: number;
  readonly notListed: readonly NotListed[];
}

export const NOTHING: Sum = { count: 0, bytes: 0 };

export const addTo = ({ count, bytes }: Sum, item: Pick<ListedItem, 'bytes'>): Sum => ({
  count: count + 1,
  bytes: bytes + (item.bytes ?? 0),
});

export function orphanOf(
  { item, part, madeBy }: Judged,
  end: PartEnd,
  { partition, nowMs }: { readonly partition: TopicPartition; readonly nowMs: number },
): Orphan {
  const { uri, uploadId, bytes, modifiedAtMs, kind } = item;
  const { partId, finalUri } = part;
  return {
    ...{ uri, uploadId, bytes, modifiedAtMs, kind, partId, finalUri, end, madeBy },
    ageMs: Math.max(0, Math.floor(nowMs - modifiedAtMs)),
    partition: partitionName(partition),
  };
}
