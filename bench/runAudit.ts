/**
 * `npm run bench:audit -- [--entries N] [--journal sqlite|nats]`. NATS_URL names a server for nats; without
 * it one is started, and removed behind the bench.
 */
import { parseArgs } from 'node:util';
import { measureAudit } from './audit.ts';
import { withOwnNats } from './ownNats.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    journal: { type: 'string', default: 'sqlite' },
  },
});
const { journal } = values;
const wanted = Number(values.entries);
if ((journal !== 'sqlite' && journal !== 'nats') || !Number.isSafeInteger(wanted) || wanted < 1) {
  process.stderr.write('usage: [NATS_URL=nats://host:port] npm run bench:audit -- [options]\n');
  process.exit(2);
}
const measured = (natsUrl: string) =>
  measureAudit({
    ...{ journal: journal === 'nats' ? 'jetstream' : journal, natsUrl, entries: wanted },
    onProgress: (message) => process.stderr.write(`${new Date().toISOString()} ${message}\n`),
  });
const natsUrl = process.env['NATS_URL'];
const isOwn = journal === 'nats' && natsUrl === undefined;
const result = await (isOwn ? withOwnNats(measured) : measured(natsUrl ?? ''));
const { entries, bytes, auditSeconds, auditCpuSeconds, claimCpuSeconds, peakMiB } = result;
const rate = (seconds: number): string => Math.round(entries / seconds).toLocaleString('en');
process.stdout.write(
  `${entries} entries (${journal}), ${(bytes / 1e6).toFixed(1)} MB: audit ${auditSeconds.toFixed(2)} s ` +
    `(${auditCpuSeconds.toFixed(2)} CPU s, ${rate(auditCpuSeconds)} entries per CPU s), claim by ` +
    `full replay ${rate(claimCpuSeconds)} entries per CPU s: ratio ` +
    `${(claimCpuSeconds / auditCpuSeconds).toFixed(2)}; peak memory ${peakMiB.toFixed(0)} MiB\n`,
);
