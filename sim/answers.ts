/**
 * Operators who look why partitions stopped. One for those whose journal went back: requests one of the two
 * answers, follows a refusal, and requests again. One for damaged files.
 */
import type { OperatorRequest } from '../journal/events.ts';
import type { Recorder } from './recorder.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimStoreServer } from './simStores/port.ts';

const LOOK_INTERVAL_MS = 1_000;
/** Longer than it takes to look for a file under all its names. */
const REPAIR_INTERVAL_MS = 3_000;
const DAMAGED: readonly string[] = ['STORE_FILE_MISSING', 'STORE_CONTENT_DIFFERS'];

export interface AnswerContext {
  readonly scheduler: Scheduler;
  readonly store: SimStoreServer;
  readonly recorder: Recorder;
  readonly request: (partition: number, request: OperatorRequest) => void;
}

export interface Answering {
  readonly untilMs: number;
  readonly from: 'journal' | 'witness';
  readonly acceptLoss: boolean;
}

/** Starts now; ends when its time is over. */
export function startAnswering(context: AnswerContext, { untilMs, ...answer }: Answering): void {
  const { scheduler, recorder, request } = context;
  const look = (): void => {
    for (const [partition, code] of recorder.stops) {
      if (code !== 'JOURNAL_ROLLED_BACK') continue;
      putAway(context, partition);
      request(partition, { type: 'resume', ...answer });
    }
    if (scheduler.nowMs < untilMs) scheduler.after(LOOK_INTERVAL_MS, null, look);
  };
  look();
}

/**
 * An operator for damaged files: from now on asks for a repair wherever a partition is stopped by them, and
 * says that no reader has taken them unless one may have. Where the owner finds no damage, it resumes.
 */
export function startRepairing(
  { scheduler, recorder, request }: Omit<AnswerContext, 'store'>,
  isCertain: boolean,
): void {
  const look = (): void => {
    for (const [partition, code] of recorder.stops) {
      if (code === null || !DAMAGED.includes(code)) continue;
      const isWhole = recorder.refusals.get(partition)?.includes('nothing is damaged') === true;
      recorder.refusals.delete(partition);
      request(
        partition,
        isWhole ? { type: 'resume', from: null, acceptLoss: false } : { type: 'repair', notTaken: isCertain },
      );
    }
    scheduler.after(REPAIR_INTERVAL_MS, null, look);
  };
  look();
}

/** Moves away what the last refusal names. */
function putAway({ recorder, store }: AnswerContext, partition: number): void {
  const [, names] =
    /^Move these files away .*?: (.*?)\. Their records/.exec(recorder.refusals.get(partition) ?? '') ?? [];
  recorder.refusals.delete(partition);
  for (const uri of (names ?? '').replace(/ and \d+ more$/, '').split(', ')) store.putAway(uri);
}
