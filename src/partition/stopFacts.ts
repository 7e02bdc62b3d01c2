/** Why a partition stops, in the form that is journaled. */
import type { StopFacts } from '../../actors/facts.ts';
import type { ErrorFields, TidemarkError } from '../../journal/errors.ts';

export function stopFactsOf(error: TidemarkError): StopFacts {
  const { fromOffset, toOffset, files } = error.fields;
  return {
    code: error.code,
    message: error.message,
    fromOffset: offsetOf(fromOffset),
    toOffset: offsetOf(toOffset),
    files: Array.isArray(files) ? (files as readonly string[]) : [],
    truncation: truncationOf(error),
  };
}

function truncationOf({ fields: { divergedAt, leaderEpoch } }: TidemarkError): StopFacts['truncation'] {
  if (typeof divergedAt !== 'bigint') return null;
  return { divergedAt, leaderEpoch: typeof leaderEpoch === 'number' ? leaderEpoch : null };
}

/** Line sources count lines as numbers. */
function offsetOf(field: ErrorFields[string] | undefined): bigint | null {
  if (typeof field === 'bigint') return field;
  return typeof field === 'number' && Number.isSafeInteger(field) ? BigInt(field) : null;
}
