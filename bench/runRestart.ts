/**
 * `npm run bench:restart -- [--entries N] [--journal sqlite|jetstream] [--kills N] [--phases]`; needs
 * KAFKA_BROKERS and NATS_URL.
 */
import { parseArgs } from 'node:util';
import { measureRestarts } from './restart.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '100000' },
    journal: { type: 'string', default: 'jetstream' },
    kills: { type: 'string', default: '3' },
    phases: { type: 'boolean', default: false },
  },
});
const brokers = process.env['KAFKA_BROKERS'];
const natsUrl = process.env['NATS_URL'] ?? '';
const journal = values.journal;
if (brokers === undefined || (journal !== 'sqlite' && journal !== 'jetstream')) {
  process.stderr.write(
    'usage: KAFKA_BROKERS=host:port NATS_URL=nats://host:port npm run bench:restart -- [options]\n',
  );
  process.exit(2);
}
const restarts = await measureRestarts({
  brokers: brokers.split(','),
  natsUrl,
  journal,
  entries: Number(values.entries),
  kills: Number(values.kills),
  onProgress: (message) => process.stderr.write(`${message}\n`),
});
const seconds = (pick: (one: (typeof restarts)[number]) => number): string => {
  const sorted = restarts.map(pick).sort((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)] ?? NaN).toFixed(3);
};
if (values.phases) {
  for (const { phases } of restarts)
    process.stdout.write(
      phases.map(({ atMs, message }) => `${atMs.toFixed(0)} ms  ${message}\n`).join('') + '\n',
    );
}
process.stdout.write(
  `${values.entries} entries (${journal}): ${seconds((one) => one.fromKillSeconds)} s from SIGKILL, ` +
    `${seconds((one) => one.fromStartSeconds)} s from process start, to the first new record; ` +
    `median of ${restarts.length}\n`,
);
