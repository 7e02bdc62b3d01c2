/** How an epoch of a partition ended, and what follows. */
import type { StopFacts } from '../../actors/facts.ts';
import { TidemarkError } from '../../journal/errors.ts';
import type { Epoch } from './epoch.ts';

export type RunnerEnd =
  | { readonly type: 'ended' | 'released' | 'retired' }
  /** `failure`: why there was no last checkpoint. Null if there was one, or if there is another owner. */
  | { readonly type: 'drained'; readonly failure: TidemarkError | null }
  | { readonly type: 'stopped'; readonly stop: StopFacts };

export type EpochEnd =
  RunnerEnd | { readonly type: 'again'; readonly error: TidemarkError; readonly madeProgress: boolean };

export function claimAgain(why: string): EpochEnd {
  return { type: 'again', error: new TidemarkError('FENCED', why), madeProgress: true };
}

export function takenOver(name: string): EpochEnd {
  return claimAgain(`${name} was claimed by another owner while it was stopped here`);
}

/** Whether another claim may succeed after this error. */
export function isPassing({ retry }: TidemarkError): boolean {
  return retry === 'fenced' || retry === 'transient';
}

export function isBehindJournal({ affected }: TidemarkError, epoch: Epoch | null): boolean {
  const facts = epoch?.claim.host.ledger.facts ?? null;
  const { truncation } = affected;
  // In a repair, more of the log counts than what is below nextOffset.
  const counted = facts?.repair?.untilOffset ?? facts?.nextOffset ?? null;
  return counted !== null && truncation !== null && truncation.divergedAt >= counted;
}
