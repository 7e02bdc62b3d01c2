/** The end of a partition that the source no longer has. */
import { takeOver, type TakeOver } from './takeOver.ts';

/** Publishes every file at its durable length, even if the partition is stopped. Journals the retirement. */
export async function retire(takingOver: Omit<TakeOver, 'adopt'>): Promise<void> {
  const { host } = takingOver;
  await host.note({ type: 'retiring' });
  await takeOver({ ...takingOver, adopt: null });
  await host.submit(() => [{ type: 'partitionRetired' }]);
}
