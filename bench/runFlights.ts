/** `npm run flights -- [RECORDS]`: needs KAFKA_BROKERS and NATS_URL from `npm run services -- start`. */
import { flights } from './flights.ts';

const records = Number(process.argv[2] ?? 1_000_000);
const brokers = process.env['KAFKA_BROKERS'];
const natsUrl = process.env['NATS_URL'];
if (!Number.isSafeInteger(records) || records < 1 || brokers === undefined || natsUrl === undefined) {
  process.stderr.write(
    'usage: KAFKA_BROKERS=host:port NATS_URL=nats://host:port npm run flights -- [RECORDS]\n',
  );
  process.exit(2);
}
const result = await flights({
  brokers: brokers.split(','),
  natsUrl,
  records,
  onProgress: (message) => process.stderr.write(`${message}\n`),
});
const { seconds, files, bytes, peakMemoryMiB } = result;
process.stdout.write(
  `${records} records (${(bytes / 1e6).toFixed(1)} MB) in ${files} files: ${seconds.toFixed(2)} ` +
    's from start to exit, ' +
    `${Math.round(records / seconds)} records/s, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s, ` +
    `peak memory ${peakMemoryMiB} MiB\n`,
);
