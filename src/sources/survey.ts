/** What `status` asks a source: the state of every topic, without joining or reading. */

export interface PartitionSurvey {
  readonly startOffset: bigint;
  /** The last stable offset. Records from there on wait for an open transaction. */
  readonly endOffset: bigint;
  readonly highWatermark: bigint;
  /** What the consumer group has committed. Null if it has committed nothing, or there is no group. */
  readonly group: { readonly offset: bigint; readonly metadata: string } | null;
}

export interface TopicSurvey {
  readonly topic: string;
  /** By partition number. Null if the source has no such topic. */
  readonly partitions: readonly PartitionSurvey[] | null;
}

export interface SourceSurveyor {
  /** Surveys the job's topics and `others`. Rejects if the source does not answer; `close` ends the wait. */
  survey(others: readonly string[]): Promise<readonly TopicSurvey[]>;
  close(): Promise<void>;
}
