/**
 * A presence record that fits where it is kept. What does not fit is left out, the least urgent first, and counted: a record says what it does
 * not say.
 */
import type { LastingCondition } from '../telemetry/conditions.ts';
import type { OmittedPresence, PresenceFacts, PresenceRecord, RequestAnswer } from './record.ts';

/** More than that says no more to a person. */
const LISTED_MAX = 1_000;
/** Characters of one text; the second where even the facts of no list do not fit. */
const TEXTS_MAX = [2_000, 200] as const;
/** Of what is free: who waits for an answer is served first, and whatever lasts keeps its part beside thousands of partitions. */
const ANSWERS_SHARE = 1 / 4;
const PARTITIONS_SHARE = 3 / 4;

/** What an operator has to know first. */
const URGENCY: Readonly<Record<LastingCondition['kind'], number>> = {
  ...{ halted: 0, stopped: 1, refused: 2, retried: 3, waiting: 4, noticed: 5 },
};

/** The record of at most `bytesMax` bytes as JSON in UTF-8; larger only where not even its frame fits. */
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

/** In their order, where all are wanted. */
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

/** As large as it can be without its lists. */
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
