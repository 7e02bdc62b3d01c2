/** The end of a partition that the source no longer has. */
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { SourceFailure } from '../sources/failure.ts';
import { takeOver, type TakeOver } from './takeOver.ts';

/** Publishes every file at its durable length, even if the partition is stopped. Journals the retirement. */
export async function retire(takingOver: Omit<TakeOver, 'adopt'>): Promise<void> {
  const { host, partition } = takingOver;
  await host.note({ type: 'retiring' });
  await takeOver({ ...takingOver, adopt: null });
  const { repair, nextOffset } = host.ledger.facts;
  if (repair !== null) throw cannotBeReadAgain(partition, nextOffset ?? 0n, repair.untilOffset);
  await host.submit(() => [{ type: 'partitionRetired' }]);
}

function cannotBeReadAgain(partition: TopicPartition, fromOffset: bigint, toOffset: bigint): SourceFailure {
  const name = partitionName(partition);
  return new SourceFailure(
    'rangeLost',
    `${name} was being repaired, and the source no longer has it: records of lost files at offsets ` +
      `${fromOffset} to ${toOffset - 1n} cannot be read again. Bring the topic back, or give them up.`,
    { fields: { partition: name }, affected: { fromOffset, toOffset } },
  );
}
