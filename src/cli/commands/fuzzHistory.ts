/** `tidemark fuzz --from-journal`: the stretch of a real journal that is to happen again. */
import { TidemarkError } from '../../../journal/errors.ts';
import { partitionName } from '../../../journal/ids.ts';
import { jobShape } from '../../../sim/job/shape.ts';
import type { HistoryToFuzz } from '../../../sim/history/fuzzHistory.ts';
import { historyOf } from '../../../sim/history/history.ts';
import { readStretch } from '../../../sim/history/stretch.ts';
import type { StoreKind } from '../../../sim/schedule.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import type { CliIo } from '../io.ts';
import { journalChoice } from '../journalFile.ts';
import { parseMoment } from '../moment.ts';
import { quietLog } from '../quietLog.ts';
import { parsePartition } from './request.ts';

/** As given on the command line. */
export interface FuzzHistoryOptions {
  readonly fromJournal?: string;
  readonly partition?: string;
  readonly around?: string;
  /** Path of an export or a backup, to be read in place of the job's journal. */
  readonly journal?: string;
}

const OF_HISTORY = ['partition', 'around', 'journal'] as const;
const NOT_OF_HISTORY = ['for', 'exhaustive', 'schedule', 'job'] as const;

/** Throws USAGE if options of the command contradict each other. */
export function checkHistoryOptions(
  options: FuzzHistoryOptions & Readonly<Partial<Record<(typeof NOT_OF_HISTORY)[number], unknown>>>,
): void {
  if (options.fromJournal === undefined) {
    const alone = OF_HISTORY.find((name) => options[name] !== undefined);
    if (alone !== undefined) throw usage(`--${alone}: needs --from-journal job.yaml`);
    return;
  }
  const other = NOT_OF_HISTORY.find((name) => options[name] !== undefined);
  if (other !== undefined) throw usage(`--from-journal and --${other}: choose one`);
  if (options.partition === undefined)
    throw usage('--from-journal: also needs --partition topic/number, the partition whose history it is');
}

/** Rejects with USAGE, REQUEST_REFUSED, and as reading the journal does. */
export async function historyToFuzz(
  { partition: name = '', around, journal }: FuzzHistoryOptions,
  config: JobConfig,
  { store, seed }: { readonly store: StoreKind; readonly seed: number },
  io: CliIo,
): Promise<HistoryToFuzz> {
  const partition = parsePartition(name);
  const moment = around === undefined ? null : parseMoment('--around', around);
  const shape = jobShape(config);
  const { partitionEntries } = await io.loadBackend();
  const entries = partitionEntries(config, {
    ...{ partition, log: quietLog(io) },
    ...journalChoice(journal, io),
  });
  const stretch = await readStretch({ entries, around: moment, partition: partitionName(partition) });
  const { intervalMs: checkpointIntervalMs } = config.checkpoint;
  const entropy = config.sink.entropy !== null;
  return {
    partition: partitionName(partition),
    of: historyOf(stretch, { shape, store, entropy, checkpointIntervalMs }, seed),
  };
}

function usage(message: string): TidemarkError {
  return new TidemarkError('USAGE', message);
}
