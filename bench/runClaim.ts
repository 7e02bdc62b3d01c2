/**
 * `npm run bench:claim -- [--entries N] [--journal sqlite|jetstream] [--claims N]`; needs NATS_URL for
 * jetstream.
 */
import { parseArgs } from 'node:util';
import { measureClaims } from './claim.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    journal: { type: 'string', default: 'sqlite' },
    claims: { type: 'string', default: '5' },
  },
});
const { journal } = values;
const natsUrl = process.env['NATS_URL'] ?? '';
if ((journal !== 'sqlite' && journal !== 'jetstream') || (journal === 'jetstream' && natsUrl === '')) {
  process.stderr.write('usage: [NATS_URL=nats://host:port] npm run bench:claim -- [options]\n');
  process.exit(2);
}
const { entries, bytes, replaySeconds, replayCpuSeconds, snapshotSeconds } = await measureClaims({
  journal,
  natsUrl,
  entries: Number(values.entries),
  claims: Number(values.claims),
  onProgress: (message) => process.stderr.write(`${message}\n`),
});
process.stdout.write(
  `${entries} entries (${journal}), ${(bytes / 1e6).toFixed(1)} MB: ` +
    `claim by full replay ${replaySeconds.toFixed(3)} s ` +
    `(${replayCpuSeconds.toFixed(3)} CPU s, ${Math.round(entries / replayCpuSeconds)} entries per CPU s), ` +
    `claim from the snapshot ${snapshotSeconds.toFixed(3)} s\n`,
);
