/** Why a partition stops, in the form that is journaled. */
import type { StopFacts } from '../../actors/facts.ts';
import { currentCode, type TidemarkError } from '../../journal/errors.ts';

export function stopFactsOf({ code, message, affected }: TidemarkError): StopFacts {
  return { code, message, ...affected };
}

/** A journaled stop as this version tells it: an earlier one may have called its code otherwise. */
export function inCurrentCodes<Stop extends { readonly code: string }>(stop: Stop): Stop {
  return { ...stop, code: currentCode(stop.code) };
}
