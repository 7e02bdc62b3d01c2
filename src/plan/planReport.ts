/** What `tidemark plan` finds. Offsets are bigints, sizes bytes, times milliseconds. */
import type { BadReason } from '../formats/format.ts';
import type { ExpectedFiles } from './expectedFiles.ts';
import type { MemoryPlan } from './memoryPlan.ts';
import type { Rate } from './rates.ts';

/**
 * Why a partition begins where it does. `journal`: it was read up to there. `started`: the job's first start
 * chose it, and nothing was read yet. `added`: the job began before the partition existed. `startFrom`: the
 * job file says so. `unknown`: the journal does not answer.
 */
export type StartReason = 'journal' | 'started' | 'added' | 'startFrom' | 'unknown';

export interface BadSample {
  readonly reason: BadReason;
  readonly records: number;
  readonly firstOffset: bigint;
}

export interface PartitionPlan {
  readonly topic: string;
  readonly partition: number;
  readonly logStart: bigint;
  /** The last stable offset. */
  readonly logEnd: bigint;
  /** Null if it is not known. */
  readonly start: bigint | null;
  readonly startReason: StartReason;
  /** Offsets from the start to the end; null if the start is not known. */
  readonly behind: bigint | null;
  readonly sample: {
    /** Offsets that were asked for, [from, to). */
    readonly from: bigint;
    readonly to: bigint;
    readonly records: number;
    /** Records without a value that the job leaves out. */
    readonly leftOut: number;
    readonly bad: readonly BadSample[];
    readonly buckets: number;
    /** Times of the earliest and the latest record; null without a record. */
    readonly firstMs: number | null;
    readonly lastMs: number | null;
  };
  readonly rate: Rate;
}

/** A file that would begin with this record. */
export interface SamplePath {
  readonly partition: number;
  readonly offset: bigint;
  readonly bucket: string;
  /** With `?` for each character that is drawn when the file is opened. */
  readonly uri: string;
}

export interface TopicPlan {
  readonly topic: string;
  readonly partitions: readonly PartitionPlan[];
  readonly paths: readonly SamplePath[];
  /** Distinct buckets of the sampled records, over all partitions. */
  readonly buckets: number;
  /** Means of the sampled records that can be written; null if there are none. */
  readonly record: {
    /** Keys and values, as the source has them. */
    readonly sourceBytes: number;
    /** In a file, compressed if the job says so. */
    readonly fileBytes: number;
  } | null;
  readonly rate: TopicRate;
  /** Null if the rate is not known. */
  readonly files: ExpectedFiles | null;
  /** Size in files of what is to be read first; null if that is not known. */
  readonly backlog: { readonly records: bigint; readonly fileBytes: number } | null;
}

export interface TopicRate {
  /** Null: of no partition is it known. */
  readonly recordsPerSecond: number | null;
  /** The longest window that it was measured over. */
  readonly windowMs: number | null;
  readonly basis: 'lastHour' | 'sample' | null;
  /** Partitions that have records, and no known rate. */
  readonly unknownPartitions: number;
  readonly why: string | null;
}

export type JournalPlan = {
  /** Key below `journal` in the job file. */
  readonly kind: string;
  readonly location: string;
} & (
  | { readonly state: 'none' }
  | { readonly state: 'found'; readonly id: string; readonly starts: number }
  | { readonly state: 'notReached'; readonly code: string; readonly message: string }
);

export type DestinationPlan = {
  /** Of the store. */
  readonly kind: string;
  readonly uri: string;
  readonly format: string;
} & (
  | { readonly marker: 'none' | 'own' | 'other' | 'unknown' }
  | { readonly marker: 'notReached'; readonly code: string; readonly message: string }
);

export interface PlanReport {
  readonly job: string;
  readonly source: string;
  /** Null if the journal does not answer. */
  readonly isFirstStart: boolean | null;
  readonly startFrom: string;
  /** Where topics begin that appear after the first start. */
  readonly laterTopics: string;
  readonly topics: readonly TopicPlan[];
  readonly missing: readonly string[];
  readonly unmatched: readonly string[];
  readonly bucket: string;
  readonly roll: readonly string[];
  /** Entropy: the text in the path that is replaced for each file, and by how many characters. */
  readonly entropy: { readonly key: string; readonly length: number } | null;
  readonly memory: MemoryPlan;
  readonly checkpoint: {
    readonly intervalMs: number;
    /** Read again after a crash, at most about; null if the rate is not known. */
    readonly recordsAgain: number | null;
    readonly bytesAgain: number | null;
  };
  readonly destination: DestinationPlan;
  readonly journal: JournalPlan;
  /** What would go wrong. */
  readonly findings: readonly string[];
  /** What to think about. */
  readonly advice: readonly string[];
}
