/** The end of a partition that the source names no more. */
import { settle, type Settling } from './settle.ts';

/** Closes every file at its durable length and publishes it, also of a stopped partition; then journals that nothing is owed. */
export async function retire(settling: Omit<Settling, 'adopt'>): Promise<void> {
  const { host } = settling;
  await host.submit((stage) => {
    stage.note({ type: 'retiring' });
    return [];
  });
  await settle({ ...settling, adopt: null });
  await host.submit(() => [{ type: 'partitionRetired' }]);
}
