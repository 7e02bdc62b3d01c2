/**
 * Fits a presence record into the space that its board offers. Entries that do not fit are left out, the
 * least urgent first. Their number is recorded, so that a reader knows what is missing.
 */
import type { LastingCondition } from '../telemetry/conditions.ts';
import type { OmittedPresence, PresenceFacts, PresenceRecord, RequestAnswer } from './record.ts';

/** More entries do not help a person. */
const LISTED_MAX = 1_000;
/** Longest text, in characters. The second limit applies if not even a record with empty lists fits. */
const TEXTS_MAX = [2_000, 200] as const;
/**
 * Shares of the free space. Answers come first, since somebody waits for them. Conditions keep a share beside
 * thousands of partitions.
 */
const ANSWERS_SHARE = 1 / 4;
const PARTITIONS_SHARE = 3 / 4;

/** What an operator must know first. */
const URGENCY: Readonly<Record<LastingCondition['kind'], number>> = {
  ...{ halted: 0, stopped: 1, refused: 2, retried: 3, waiting: 4, noticed: 5 },
};

/** The record, of at most `bytesMax` bytes as JSON in UTF-8. Larger only if not even its frame fits. */
export function fitted(facts: PresenceFacts, bytesMax: number): PresenceRecord {
  const [long, short] = TEXTS_MAX;
  const whole = listed(facts, long);
  if (bytesOf(whole) <= bytesMax) return whole;
  return cut(bytesOf(frameOf(whole)) < bytesMax ? whole : listed(facts, short), bytesMax);
}

function listed(facts: PresenceFacts, textMax: number): PresenceRecord {
  const { partitions, answers, dependencies } = facts;
  const conditions = byUrgency(facts.conditions, LISTED_MAX);
  const answersKept = answers.slice(-LISTED_MAX);
  return {
    ...facts,
    dependencies: {
      source: shortened(dependencies.source, textMax),
      journal: shortened(dependencies.journal, textMax),
      destination: shortened(dependencies.destination, textMax),
    },
    conditions: conditions.map((condition) => shortened(condition, textMax)),
    answers: answersKept.map((answer) => ({ ...answer, reason: shortText(answer.reason, textMax) })),
    omitted: omittedOf(facts, { partitions, conditions, answers: answersKept }),
  };
}

/** In their original order if all fit. */
function byUrgency(conditions: readonly LastingCondition[], max: number): LastingCondition[] {
  if (conditions.length <= max) return [...conditions];
  return conditions.toSorted((a, b) => URGENCY[a.kind] - URGENCY[b.kind]).slice(0, max);
}

function cut(whole: PresenceRecord, bytesMax: number): PresenceRecord {
  const frame = frameOf(whole);
  let freeBytes = bytesMax - bytesOf(frame);
  const take = <T>(items: readonly T[], share: number): T[] => {
    const { taken, bytes } = firstWithin(items, Math.floor(freeBytes * share));
    freeBytes -= bytes;
    return taken;
  };
  const newest: readonly RequestAnswer[] = whole.answers.toReversed();
  const answers = take(newest, ANSWERS_SHARE).reverse();
  const partitions = take(whole.partitions, PARTITIONS_SHARE);
  const conditions = take(byUrgency(whole.conditions, whole.conditions.length - 1), 1);
  const lists = { partitions, conditions, answers };
  return { ...frame, ...lists, omitted: added(whole.omitted, omittedOf(whole, lists)) };
}

/** The record without its lists, at its largest. */
function frameOf(whole: PresenceRecord): PresenceRecord {
  const most = Number.MAX_SAFE_INTEGER;
  const omitted = { partitions: most, conditions: most, answers: most };
  return { ...whole, partitions: [], conditions: [], answers: [], omitted };
}

function firstWithin<T>(
  items: readonly T[],
  bytesMax: number,
): { readonly taken: T[]; readonly bytes: number } {
  const taken: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = bytesOf(item) + 1;
    if (bytes + more > bytesMax) break;
    bytes += more;
    taken.push(item);
  }
  return { taken, bytes };
}

type Lists = Pick<PresenceFacts, 'partitions' | 'conditions' | 'answers'>;

function omittedOf(all: Lists, told: Lists): OmittedPresence {
  return {
    partitions: all.partitions.length - told.partitions.length,
    conditions: all.conditions.length - told.conditions.length,
    answers: all.answers.length - told.answers.length,
  };
}

function added(a: OmittedPresence, b: OmittedPresence): OmittedPresence {
  return {
    partitions: a.partitions + b.partitions,
    conditions: a.conditions + b.conditions,
    answers: a.answers + b.answers,
  };
}

function shortened<T extends { readonly message: string | null }>(of: T, max: number): T {
  return { ...of, message: shortText(of.message, max) };
}

function shortText(text: string | null, max: number): string | null {
  return text !== null && text.length > max ? `${text.slice(0, max)}…` : text;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
