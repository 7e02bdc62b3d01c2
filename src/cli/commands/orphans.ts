/** `tidemark orphans`: lists what no entry of the journal needs at the destination, and can remove it. */
import { TidemarkError } from '../../../journal/errors.ts';
import { parseAge } from '../../../kernels/schema/units.ts';
import type { OrphansOutcome } from '../../app/orphans.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { formatCount } from '../../telemetry/format.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNFINISHED } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { occasionally } from '../occasionally.ts';
import { orphansText } from '../orphansText.ts';
import { quietLog } from '../quietLog.ts';
import { jsonText } from '../report.ts';

export interface OrphansOptions {
  readonly json?: boolean;
  readonly delete?: boolean;
  readonly minAge: string;
}

export interface OrphansChoices {
  readonly isJson: boolean;
  readonly isDeleting: boolean;
  readonly minAgeMs: number;
}

export async function orphansCommand(
  config: JobConfig,
  { isJson, isDeleting, minAgeMs }: OrphansChoices,
  io: CliIo,
): Promise<number> {
  const { orphans } = await io.loadBackend();
  const say = occasionally(io);
  const outcome = await orphans(config, {
    deleteFromAgeMs: isDeleting ? minAgeMs : null,
    log: quietLog(io),
    onProgress: ({ listed, entries, partitions, partitionsDone, removed }) =>
      say(
        () =>
          `looking for orphans: ${formatCount(listed)} names listed, ${formatCount(entries)} entries, ` +
          `${partitionsDone} of ${partitions} partitions` +
          (removed === 0 ? '' : `, ${formatCount(removed)} looked at to be removed`),
      ),
  });
  const sinkUri = config.sink.uri;
  io.stdout.write(isJson ? jsonText(documentOf(outcome)) : orphansText(outcome, { sinkUri, minAgeMs }));
  return exitCodeOf(outcome, isDeleting);
}

/** Milliseconds. Throws USAGE for an age that is none. */
export function parseMinAge(text: string): number {
  const parsed = parseAge(text);
  if (parsed.type === 'parsed') return parsed.value;
  throw new TidemarkError('USAGE', `--min-age ${text}: ${parsed.reason}`);
}

/** Without --delete an orphan is a finding; with it only one that could not be removed is. */
function exitCodeOf({ orphans, refusals }: OrphansOutcome, isDeleting: boolean): number {
  if (refusals.length > 0) return EXIT_UNFINISHED;
  const found = isDeleting ? orphans.filter(({ removal }) => removal?.type === 'failed') : orphans;
  return found.length === 0 ? EXIT_OK : EXIT_FAILURE;
}

/** Times as ISO text. */
function documentOf({ orphans, ...rest }: OrphansOutcome) {
  return {
    ...rest,
    orphans: orphans.map(({ modifiedAtMs, ...orphan }) => ({
      ...orphan,
      modifiedAt: new Date(modifiedAtMs).toISOString(),
    })),
  };
}
