/**
 * The epochs of a stretch: who owned the partition in which place of the world, and how each ownership ended.
 */
import { PLACES_MAX } from '../faults/kind.ts';
import { isAnswer } from './answers.ts';
import type { Stretch, StretchEntry } from './stretch.ts';

/**
 * - `died`: nobody journaled an end of the process, and it never came back.
 * - `drained`: a coordinator of the job ended in order.
 * - `handedOver`: another process claimed, and this one came back later.
 * - `claimedAgain`: the same process claimed anew.
 * - `answered`: an operator's answer was taken up, with a claim of its own.
 */
export type EpochEnd = 'died' | 'drained' | 'handedOver' | 'claimedAgain' | 'answered';

export interface HistoryEpoch {
  readonly owner: string;
  readonly place: number;
  /** At least one; the first is its claim, except perhaps in the first epoch. */
  readonly entries: readonly StretchEntry[];
  /** Null for the last one. */
  readonly end: EpochEnd | null;
}

/** At least one. */
export function epochsOf({ entries, jobEndsMs }: Stretch): readonly HistoryEpoch[] {
  const groups: StretchEntry[][] = [];
  for (const one of entries) {
    if (isClaim(one) || groups.length === 0) groups.push([one]);
    else groups.at(-1)?.push(one);
  }
  const owners = groups.map(([first]) => first?.owner ?? '');
  const places = placesOf(owners);
  return groups.map((group, index) => ({
    owner: owners[index] ?? '',
    place: places[index] ?? 0,
    entries: group,
    end: endOf(groups, owners, jobEndsMs, index),
  }));
}

function isClaim({ entry }: StretchEntry): boolean {
  return entry.events.some(({ type }) => type === 'epochClaimed');
}

function endOf(
  groups: readonly (readonly StretchEntry[])[],
  owners: readonly string[],
  jobEndsMs: readonly number[],
  index: number,
): EpochEnd | null {
  const [last, next] = [groups[index]?.at(-1), groups[index + 1]?.[0]];
  if (last === undefined || next === undefined) return null;
  const owner = owners[index] ?? '';
  if (owner === next.owner) return last.entry.events.some(isAnswer) ? 'answered' : 'claimedAgain';
  if (jobEndsMs.some((atMs) => atMs >= last.atMs && atMs <= next.atMs)) return 'drained';
  return owners.includes(owner, index + 1) ? 'handedOver' : 'died';
}

/**
 * A process that replaces one of its host takes its place; any other has a place of its own, as far as there
 * are.
 */
function placesOf(owners: readonly string[]): readonly number[] {
  const placeOf = new Map<string, number>();
  return owners.map((owner, index) => {
    const known = placeOf.get(owner);
    if (known !== undefined) return known;
    const gone = [...placeOf.keys()].filter((other) => !owners.includes(other, index));
    const replaced = gone.findLast((other) => hostOf(other) === hostOf(owner)) ?? null;
    const free = placeOf.size === 0 ? 0 : Math.max(...placeOf.values()) + 1;
    const shared = placeOf.get(gone.at(-1) ?? '') ?? PLACES_MAX - 1;
    const own = free < PLACES_MAX ? free : shared;
    const place = replaced === null ? own : (placeOf.get(replaced) ?? own);
    if (replaced !== null) placeOf.delete(replaced);
    placeOf.set(owner, place);
    return place;
  });
}

/** The whole text where there is no port: then each has a host of its own. */
function hostOf(owner: string): string {
  const colon = owner.lastIndexOf(':');
  return colon < 0 ? owner : owner.slice(0, colon);
}
