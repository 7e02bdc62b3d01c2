/**
 * An operator who looks after partitions whose journal went back: reads why they stopped, asks for one of the two answers, does what a
 * refusal says, and asks again.
 */
import type { OperatorRequest } from '../journal/events.ts';
import type { Recorder } from './recorder.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimStoreServer } from './simStores/port.ts';

const LOOK_INTERVAL_MS = 1_000;

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

/** From now on, until its time is over. */
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

/** What the last refusal names as to be moved away. */
function putAway({ recorder, store }: AnswerContext, partition: number): void {
  const [, names] =
    /^Move these files away .*?: (.*?)\. Their records/.exec(recorder.refusals.get(partition) ?? '') ?? [];
  recorder.refusals.delete(partition);
  for (const uri of (names ?? '').replace(/ and \d+ more$/, '').split(', ')) store.putAway(uri);
}
