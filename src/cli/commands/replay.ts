/** `tidemark replay`: the journal as a timeline, one line for each step of each actor. */
import { partitionName } from '../../../journal/ids.ts';
import { EVENT_TYPES } from '../../../journal/events.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import { bigintsAsText } from '../../../kernels/json.ts';
import type { TimelineFilter } from '../../audit/replayJob.ts';
import type { TimelineStep } from '../../audit/timeline.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { EXIT_OK } from '../exitCodes.ts';
import type { CliIo } from '../io.ts';
import { journalChoice } from '../journalFile.ts';
import { parseMoment } from '../moment.ts';
import { quietLog } from '../quietLog.ts';
import { parsePartition } from './request.ts';

export interface ReplayCommandOptions {
  readonly json?: boolean;
  readonly partition?: string;
  readonly bucket?: string;
  readonly file?: string;
  readonly event?: string;
  readonly from?: string;
  readonly to?: string;
  readonly follow?: boolean;
  /** Path of an export or a backup, to be read in place of the job's journal. */
  readonly journal?: string;
}

export async function replayCommand(
  config: JobConfig,
  options: ReplayCommandOptions,
  io: CliIo,
): Promise<number> {
  const filter = filterOf(options);
  const { replayJournal } = await io.loadBackend();
  const steps = replayJournal(config, {
    ...{ filter, follow: options.follow === true, log: quietLog(io) },
    ...journalChoice(options.journal, io),
  });
  for await (const step of steps) {
    io.stdout.write(
      options.json === true ? `${JSON.stringify(step, bigintsAsText)}\n` : `${stepLine(step)}\n`,
    );
  }
  return EXIT_OK;
}

/** Throws USAGE. */
function filterOf({ partition, bucket, file, event, from, to }: ReplayCommandOptions): TimelineFilter {
  return {
    partition: partition === undefined ? null : parsePartition(partition),
    ...{ bucket: bucket ?? null, file: file ?? null },
    event: event === undefined ? null : parseEvent(event),
    from: from === undefined ? null : parseMoment('--from', from),
    to: to === undefined ? null : parseMoment('--to', to),
  };
}

function parseEvent(text: string): NonNullable<TimelineFilter['event']> {
  const found = EVENT_TYPES.find((type) => type === text);
  if (found !== undefined) return found;
  throw new TidemarkError('USAGE', `--event ${text}: is no event; expected one of ${EVENT_TYPES.join(', ')}`);
}

/** `TIME  clicks/0  #12 e3 host:pid  part 1f2e… open -> inProgress  why`. */
export function stepLine(step: TimelineStep): string {
  const { at, partition, seq, epoch, owner, actor, part, event, from, to, why } = step;
  const where = partition === null ? 'job' : partitionName(partition);
  const who = `#${seq} epoch ${epoch}${owner === null ? '' : ` ${owner}`}`;
  const what =
    actor === 'part' && part !== null ? `${fileName(part.finalUri)} ${statesText(from, to)}` : event;
  return `${at}  ${where}  ${who}  ${what}: ${why}`;
}

const statesText = (from: string | null, to: string | null): string =>
  from === null || from === to ? (to ?? '') : `${from} -> ${to ?? ''}`;

function fileName(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1);
}
