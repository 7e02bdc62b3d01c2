/** `tidemark validate`: checks a job file and reports what it means. */
import { contentOf } from '../../app/content.ts';
import type { UnitWords } from '../../../actors/rolling/rule.ts';
import { configFingerprint } from '../../app/fingerprint.ts';
import { bucketRuleOf, formatKindOf, JOB_KINDS, kindOf, type JobKinds } from '../../app/registeredKinds.ts';
import { listedOr } from '../../../kernels/schema/parts.ts';
import type { JobConfig, SinkConfig } from '../../config/jobConfig.ts';
import { formatBytes, formatNoun } from '../../telemetry/format.ts';
import { EXIT_OK } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { jsonText } from '../report.ts';

export function validateCommand(
  config: JobConfig,
  options: { readonly isJson: boolean; readonly jobFile: string },
  io: CliIo,
  kinds: JobKinds = JOB_KINDS,
): number {
  const fingerprint = configFingerprint(config, kinds);
  const sink = sinkDocument(config.sink, kinds);
  if (options.isJson) io.stdout.write(jsonText({ valid: true, job: config.job, fingerprint, sink }));
  else io.stdout.write(`${options.jobFile} is a valid job file\n${summary(config, kinds).join('\n')}\n`);
  return EXIT_OK;
}

/** The destination as it was understood, without its credentials. */
function sinkDocument(sink: SinkConfig, { stores }: JobKinds) {
  const { type, uri, format, entropy } = sink;
  return { type, uri, format, entropy, ...kindOf(stores, sink).facts(sink) };
}

function sinkFacts(sink: SinkConfig, { stores }: JobKinds): [string, string][] {
  const { entropy } = sink;
  const facts: [string, string][] = [['sink', `${sink.uri} · ${sink.format}`]];
  const more = kindOf(stores, sink).describe(sink);
  if (more !== '') facts.push(['', more]);
  if (entropy !== null)
    facts.push(['entropy', `${entropy.key} becomes ${entropy.length} random letters and digits per file`]);
  return facts;
}

function rollFact(roll: JobConfig['roll'], { rollRules }: JobKinds): string {
  const reasons = rollRules.flatMap((rule) => {
    const limit = roll[rule.configKey];
    return limit === undefined ? [] : [rule.describe(limit, UNIT_WORDS)];
  });
  return listedOr(reasons);
}

const UNIT_WORDS: UnitWords = {
  bytes: formatBytes,
  milliseconds: (count) => `${count} ms`,
  count: formatNoun,
};

function journalFact({ journal }: JobConfig, { journals }: JobKinds): string {
  const { place, details } = kindOf(journals, journal).describe(journal);
  return `${journal.type} ${place}${details === '' ? '' : ` · ${details}`}`;
}

function summary(config: JobConfig, kinds: JobKinds): string[] {
  const { source, sink, bucket, roll, checkpoint } = config;
  const facts: (readonly [string, string])[] = [
    ['job', config.job],
    ['source', kindOf(kinds.sources, source).describe(source)],
    ...sinkFacts(sink, kinds),
    ...formatKindOf(kinds, sink).facts(contentOf(config)),
    ['bucket', bucketRuleOf(kinds, bucket).describe(bucket)],
    ['roll', rollFact(roll, kinds)],
    ['checkpoint', `every ${checkpoint.intervalMs} ms`],
    ['journal', journalFact(config, kinds)],
  ];
  return facts.map(([name, fact]) => `  ${name.padEnd(10)}  ${fact}`);
}
