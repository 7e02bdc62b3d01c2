/** `tidemark validate`: checks a job file and says what it comes to. */
import { configFingerprint } from '../../config/fingerprint.ts';
import type { JobConfig, SinkConfig } from '../../config/jobConfig.ts';
import { ossAddressText } from '../../config/ossPath.ts';
import { formatBytes } from '../../telemetry/format.ts';
import { EXIT_OK } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { jsonText } from '../report.ts';

export function validateCommand(
  config: JobConfig,
  options: { readonly isJson: boolean; readonly jobFile: string },
  io: CliIo,
): number {
  const fingerprint = configFingerprint(config);
  if (options.isJson)
    io.stdout.write(jsonText({ valid: true, job: config.job, fingerprint, sink: sinkDocument(config.sink) }));
  else io.stdout.write(`${options.jobFile} is a valid job file\n${summary(config).join('\n')}\n`);
  return EXIT_OK;
}

/** What the destination was understood as; nothing of its credentials. */
function sinkDocument(sink: SinkConfig) {
  const { type, uri, format, entropy } = sink;
  if (type === 'file') return { type, uri, format, entropy };
  const { ossBucket, region, address } = sink;
  return { type, uri, format, entropy, ossBucket, region, address: ossAddressText(address) };
}

function sinkFacts(sink: SinkConfig): [string, string][] {
  const { entropy } = sink;
  const facts: [string, string][] = [['sink', `${sink.uri} · ${sink.format}`]];
  if (sink.type === 'oss-hdfs') {
    const { ossBucket, region, address } = sink;
    const way = `${ossAddressText(address)}${address.pathStyle ? ', the bucket in the path' : ''}`;
    facts.push(['', `OSS-HDFS · bucket ${ossBucket} · region ${region ?? 'unknown'} · at ${way}`]);
  }
  if (entropy !== null)
    facts.push(['entropy', `${entropy.key} becomes ${entropy.length} random letters and digits per file`]);
  return facts;
}

function summary(config: JobConfig): string[] {
  const { source, sink, bucket, roll, checkpoint, journal } = config;
  const facts: [string, string][] = [
    ['job', config.job],
    [
      'source',
      source.type === 'kafka'
        ? `kafka ${source.brokers.join(', ')} · topics ${source.topics.join(', ')} · group ${source.groupId}`
        : `files ${source.pattern}`,
    ],
    ...sinkFacts(sink),
    ['bucket', bucket.by === 'none' ? 'none' : `${bucket.by} ${bucket.pattern.text} ${bucket.timezone}`],
    [
      'roll',
      `at ${formatBytes(roll.maxBytes)}, after ${roll.maxAgeMs} ms, or ${roll.maxIdleMs} ms without a record`,
    ],
    ['checkpoint', `every ${checkpoint.intervalMs} ms`],
    [
      'journal',
      journal.type === 'sqlite'
        ? `sqlite ${journal.path}`
        : `nats ${journal.servers.join(', ')} · stream ${journal.stream}`,
    ],
  ];
  return facts.map(([name, fact]) => `  ${name.padEnd(10)}  ${fact}`);
}
