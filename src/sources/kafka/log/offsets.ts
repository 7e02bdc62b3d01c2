/** Queries of offsets: of the log (ListOffsets) and of the group. */
import type { Brokers } from '../brokers.ts';
import type { GroupOffset } from '../client/types.ts';
import type { PartitionLeader } from '../wire/metadata.ts';

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const LATEST = -1;
const EARLIEST = -2;

/**
 * earliest: log start; latest: last stable offset; highWatermark: end of what is replicated; a number: first
 * offset at or after that time, in milliseconds.
 */
export type OffsetAt = 'earliest' | 'latest' | 'highWatermark' | number;

/** One offset per requested partition, in the same order. -1 if no record is at or after the time. */
export async function listOffsets(
  brokers: Pick<Brokers, 'at'>,
  topic: string,
  partitions: readonly PartitionLeader[],
  at: OffsetAt,
): Promise<bigint[]> {
  const timestamp = String(typeof at === 'number' ? at : at === 'earliest' ? EARLIEST : LATEST);
  const isolationLevel = at === 'highWatermark' ? READ_UNCOMMITTED : READ_COMMITTED;
  const byLeader = Map.groupBy(partitions, ({ leader }) => leader);
  const found = new Map<number, bigint>();
  await Promise.all(
    [...byLeader].map(async ([leader, led]) => {
      const asked = led.map(({ partition }) => ({ partition, timestamp }));
      const topics = [{ topic, partitions: asked }];
      const { responses } = await brokers.at(leader, (broker) =>
        broker.listOffsets({ isolationLevel, topics }),
      );
      for (const { partition, offset } of responses[0]?.partitions ?? [])
        found.set(partition, BigInt(offset));
    }),
  );
  return partitions.map(({ partition }) => {
    const offset = found.get(partition);
    if (offset === undefined) throw new Error(`the broker named no offset of ${topic}/${partition}`);
    return offset;
  });
}

/** What the group has committed, in the order of the partitions. The offset is -1 if nothing is committed. */
export async function groupOffsets(
  brokers: Brokers,
  groupId: string,
  topic: string,
  partitions: readonly number[],
): Promise<{ offset: bigint; metadata: string | null }[]> {
  const asked = partitions.map((partition) => ({ partition }));
  const topics = [{ topic, partitions: asked }];
  const { responses } = await brokers.atCoordinator(groupId, (broker) =>
    broker.offsetFetch({ groupId, topics }),
  );
  const found = new Map<number, GroupOffset>(
    responses[0]?.partitions.map((answer) => [answer.partition, answer]),
  );
  return partitions.map((partition) => {
    const answer = found.get(partition);
    return { offset: BigInt(answer?.offset ?? -1), metadata: answer?.metadata ?? null };
  });
}
