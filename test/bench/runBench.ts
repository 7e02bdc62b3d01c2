/** `npm run bench` in small, as a process, against the servers of the tests. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { checkoutDir } from '../../scripts/services/common.ts';
import { services } from '../services/integration.ts';
import { collect, type Ended } from '../unit/cli/collect.ts';

export async function quickBench(...args: string[]): Promise<Ended> {
  const { brokers, natsUrl } = services();
  const env = { ...process.env, KAFKA_BROKERS: brokers.join(','), NATS_URL: natsUrl };
  const bench = [path.join(checkoutDir, 'bench/bench.ts'), '--quick', '--json', ...args];
  return collect(spawn(process.execPath, bench, { env }));
}

/** @param records each test has a number of its own: it names the topic, which two must not fill at once. */
export const quickRows = (names: readonly string[], records: number): Promise<Ended> =>
  quickBench('--records', String(records), '--only', names.join(','));
