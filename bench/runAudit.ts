/**
 * `npm run bench:audit -- [--entries N] [--journal sqlite|jetstream]`; needs NATS_URL for jetstream.
 */
import { parseArgs } from 'node:util';
import { measureAudit } from './audit.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    journal: { type: 'string', default: 'sqlite' },
  },
});
const { journal } = values;
const natsUrl = process.env['NATS_URL'] ?? '';
if ((journal !== 'sqlite' && journal !== 'jetstream') || (journal === 'jetstream' && natsUrl === '')) {
  process.stderr.write('usage: [NATS_URL=nats://host:port] npm run bench:audit -- [options]\n');
  process.exit(2);
}
const { entries, bytes, auditSeconds, auditCpuSeconds, claimCpuSeconds, peakMiB } = await measureAudit({
  ...{ journal, natsUrl, entries: Number(values.entries) },
  onProgress: (message) => process.stderr.write(`${message}\n`),
});
const rate = (seconds: number): string => Math.round(entries / seconds).toLocaleString('en');
process.stdout.write(
  `${entries} entries (${journal}), ${(bytes / 1e6).toFixed(1)} MB: audit ${auditSeconds.toFixed(2)} s ` +
    `(${auditCpuSeconds.toFixed(2)} CPU s, ${rate(auditCpuSeconds)} entries per CPU s), claim by full replay ` +
    `${rate(claimCpuSeconds)} entries per CPU s: ratio ${(claimCpuSeconds / auditCpuSeconds).toFixed(2)}; ` +
    `peak memory ${peakMiB.toFixed(0)} MiB\n`,
);
