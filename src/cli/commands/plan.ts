/** `tidemark plan`: what the job would do; writes nothing. */
import { TidemarkError } from '../../../journal/errors.ts';
import { parseDuration } from '../../../kernels/schema/units.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import type { PlanReport } from '../../plan/planReport.ts';
import { formatCount } from '../../telemetry/format.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNFINISHED } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { occasionally } from '../occasionally.ts';
import { planText } from '../planText.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

const SAMPLE_MAX = 1_000_000;

export interface PlanCommandOptions {
  readonly json?: boolean;
  /** A number of offsets, and a duration, as they were written. */
  readonly sample: string;
  readonly timeout: string;
}

export async function planCommand(
  config: JobConfig,
  { json, sample, timeout }: PlanCommandOptions,
  io: CliIo,
): Promise<number> {
  const options = { sampleOffsets: parseSample(sample), timeoutMs: parseTimeout(timeout) };
  const { planJob } = await io.loadBackend();
  const say = occasionally(io);
  const report = await planJob(config, {
    ...{ ...options, log: quietLog(io) },
    onProgress: ({ partitionsDone, partitions, recordsSampled }) =>
      say(
        () =>
          `planning: ${formatCount(partitionsDone)} of ${formatCount(partitions)} partitions, ` +
          `${formatCount(recordsSampled)} records read`,
      ),
  });
  io.stdout.write(json === true ? jsonText(report) : planText(report));
  return exitCodeOfPlan(report);
}

function exitCodeOfPlan({ findings, journal }: PlanReport): number {
  if (findings.length > 0) return EXIT_FAILURE;
  return journal.state === 'notReached' ? EXIT_UNFINISHED : EXIT_OK;
}

function parseSample(text: string): number {
  const offsets = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (offsets >= 1 && offsets <= SAMPLE_MAX) return offsets;
  throw new TidemarkError(
    'USAGE',
    `--sample ${text}: is no number of offsets; expected 1 to ${formatCount(SAMPLE_MAX)}`,
  );
}

function parseTimeout(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.type === 'invalid') throw new TidemarkError('USAGE', `--timeout ${text}: ${parsed.reason}`);
  return parsed.value;
}
