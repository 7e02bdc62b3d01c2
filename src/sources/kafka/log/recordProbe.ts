/**
 * Whether a log holds any records in a range of offsets. For a compacted log leader epochs cannot show that:
 * a rebuilt replica does not know an epoch if compaction has removed all its batches.
 */
import type { FetcherContext } from '../fetcher.ts';
import { FrameLease } from '../wire/framePool.ts';
import { KAFKA_CODE } from '../errors.ts';
import type { PartitionLeader } from '../wire/metadata.ts';
import { listOffsets } from './offsets.ts';
import { BATCH_BYTES_MIN, batchesIn, type BatchFound } from '../records/batches.ts';

/** The first batch is returned whole, however long it is, if its partition is requested alone. */
const PROBE_BYTES = BATCH_BYTES_MIN * 1024;

export interface OffsetsInQuestion {
  readonly topic: string;
  readonly fromOffset: bigint;
  readonly toOffset: bigint;
}

type ProbeContext = {
  readonly brokers: Pick<FetcherContext['brokers'], 'fetch' | 'at'>;
  readonly tuning: Pick<FetcherContext['tuning'], 'fetchWaitMs'>;
};

/**
 * Control records and batches emptied by compaction do not count; records of open and aborted transactions
 * do. Rejects if the leader gives no certain answer: an empty answer proves nothing.
 */
export async function holdsRecords(
  context: ProbeContext,
  leader: PartitionLeader,
  { topic, fromOffset, toOffset }: OffsetsInQuestion,
): Promise<boolean> {
  for (let at = fromOffset; at < toOffset;) {
    const answer = await fetchFrom(context, leader, topic, at);
    if (answer === 'belowStart') {
      const [startOffset = 0n] = await listOffsets(context.brokers, topic, [leader], 'earliest');
      if (startOffset <= at) throw new Error(`the log of ${topic}/${leader.partition} has moved`);
      at = startOffset;
      continue;
    }
    const next = answer.find(({ nextOffset }) => nextOffset > at);
    if (next === undefined)
      throw new Error(
        `broker ${leader.leader} gives nothing of ${topic}/${leader.partition} from offset ${at} on`,
      );
    const found = answer.find(({ nextOffset, holdsRecords: isOne }) => isOne && nextOffset > at);
    if (found !== undefined && found.baseOffset < toOffset) return true;
    at = answer.at(-1)?.nextOffset ?? toOffset;
  }
  return false;
}

async function fetchFrom(
  { brokers, tuning }: ProbeContext,
  { leader, partition, leaderEpoch }: PartitionLeader,
  topic: string,
  fetchOffset: bigint,
): Promise<readonly BatchFound[] | 'belowStart'> {
  const response = await brokers.fetch(leader, {
    ...{ waitMs: tuning.fetchWaitMs, bytesMax: PROBE_BYTES, isUncommitted: true },
    partitions: [{ topic, partition, leaderEpoch, fetchOffset, bytesMax: PROBE_BYTES }],
  });
  const lease = new FrameLease(response.frame);
  try {
    const answer = response.partitions.find((one) => one.topic === topic && one.partition === partition);
    if (answer?.errorCode === KAFKA_CODE.offsetOutOfRange) return 'belowStart';
    if (answer?.errorCode !== KAFKA_CODE.none)
      throw new Error(`broker ${leader} answers error ${answer?.errorCode ?? response.errorCode}`);
    return batchesIn(`${topic}/${partition}`, answer.records);
  } finally {
    lease.release();
  }
}
