/** The end of a partition that the source names no more. */
import { takeOver, type TakeOver } from './takeOver.ts';

/** Closes every file at its durable length and publishes it, also of a stopped partition; then journals that nothing is owed. */
export async function retire(takingOver: Omit<TakeOver, 'adopt'>): Promise<void> {
  const { host } = takingOver;
  await host.submit((stage) => {
    stage.note({ type: 'retiring' });
    return [];
  });
  await takeOver({ ...takingOver, adopt: null });
  await host.submit(() => [{ type: 'partitionRetired' }]);
}
