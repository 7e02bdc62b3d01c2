/** What `status` asks a source: one look at every topic, without joining or reading anything. */

export interface PartitionSurvey {
  readonly startOffset: bigint;
  /** The last stable offset: what is behind it waits for an open transaction. */
  readonly endOffset: bigint;
  readonly highWatermark: bigint;
  /** What the consumer group has committed; null where it has not, or there is none. */
  readonly group: { readonly offset: bigint; readonly metadata: string } | null;
}

export interface TopicSurvey {
  readonly topic: string;
  /** By partition number; null where the source has no such topic. */
  readonly partitions: readonly PartitionSurvey[] | null;
}

export interface SourceSurveyor {
  /** Of the job's topics and of these others. Rejects where the source does not answer; nobody waits for it longer than `close`. */
  survey(others: readonly string[]): Promise<readonly TopicSurvey[]>;
  close(): Promise<void>;
}
