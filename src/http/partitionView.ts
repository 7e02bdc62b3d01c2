/** What a coordinator knows of one of its partitions now, without asking anybody. */
import type { PartitionLedger } from '../../actors/ledger.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { PartitionRunner } from '../partition/partitionRunner.ts';
import type { Clock } from '../system/clock.ts';

export interface PartitionView {
  readonly partition: TopicPartition;
  readonly state: PartitionRunner['state'];
  readonly stop: PartitionRunner['stop'];
  /** Next offset to read. This and all below are null before the claim. */
  readonly fetchedOffset: bigint | null;
  readonly owned: OwnedView | null;
}

export interface OwnedView {
  readonly ledger: PartitionLedger;
  readonly checkpointedOffset: bigint;
  /** All below it is in committed files. */
  readonly publishedOffset: bigint;
  /** Number of the last journaled entry. */
  readonly journalSeq: number;
  /** Time since the oldest record was read that is in no committed file; 0 if there is none. */
  readonly unpublishedMs: number;
}

export function viewOf(
  { task, state, stop, routerOffset, epoch }: PartitionRunner,
  clock: Pick<Clock, 'nowMs' | 'wallMs'>,
): PartitionView {
  const base = { partition: task.partition, state, stop, fetchedOffset: routerOffset };
  if (epoch === null) return { ...base, owned: null };
  const { ledger } = epoch.claim.host;
  const checkpointedOffset = ledger.facts.nextOffset ?? 0n;
  let publishedOffset = checkpointedOffset;
  const { oldestFileAtMs } = epoch;
  let unpublishedMs = oldestFileAtMs === null ? 0 : clock.nowMs() - oldestFileAtMs;
  const wallMs = clock.wallMs();
  for (const { context: part } of ledger.parts()) {
    // One without a checkpoint holds nothing yet that is not read again.
    if (part.durable === null) continue;
    if (part.firstOffset < publishedOffset) publishedOffset = part.firstOffset;
    unpublishedMs = Math.max(unpublishedMs, wallMs - part.openedAtMs);
  }
  const { seq: journalSeq } = epoch.claim.writer.tail;
  return { ...base, owned: { ledger, checkpointedOffset, publishedOffset, journalSeq, unpublishedMs } };
}
