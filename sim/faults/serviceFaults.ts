/** Failing calls to the journal, the store and the brokers, and services that are away. */
import { z } from 'zod';
import { FAILPOINTS } from '../../src/system/failpoints.ts';
import type { JournalFault, StoreFault, StoreKind } from '../schedule.ts';
import {
  AWAY_MS,
  counted,
  drawNth,
  drawTimeMs,
  nthFields,
  ordinal,
  pointsOf,
  processWords,
} from './drawing.ts';
import type { DrawContext, KindsOf } from './kind.ts';

const APPEND_FAULTS = ['lostReply', 'lostRequest', 'late', 'refused'] as const;
const READ_FAULTS = ['staleRead', 'brokenRead'] as const;
const SNAPSHOT_FAULTS = ['lostSnapshot', 'staleSnapshot', 'damagedSnapshot'] as const;
const ANY_STORE_FAULTS = ['lostReply', 'lostRequest', 'late', 'slow', 'refused', 'asleep'] as const;
const SERVICES = ['journal', 'kafka', 'store'] as const;
const LOST = ['lostRequest', 'lostReply'] as const;

const journalFaultSchema: z.ZodType<JournalFault> = z.union([
  z.strictObject({ type: z.enum(APPEND_FAULTS) }),
  z.strictObject({ type: z.enum(READ_FAULTS), entries: counted }),
  z.strictObject({ type: z.enum(SNAPSHOT_FAULTS) }),
]);

function drawJournalFault({ random }: DrawContext): JournalFault {
  switch (random.below(3)) {
    case 0:
      return { type: random.pick(APPEND_FAULTS) };
    case 1:
      return { type: random.pick(READ_FAULTS), entries: random.below(4) };
    default:
      return { type: random.pick(SNAPSHOT_FAULTS) };
  }
}

/** Only a local disk loses unsynced data with the power. */
function storeFaults(store: StoreKind): readonly StoreFault[] {
  return [
    ...ANY_STORE_FAULTS,
    ...(store === 'file' ? (['powerCut', 'powerCut', 'powerCut'] as const) : ['powerCut' as const]),
  ];
}

export const SERVICE_FAULTS: KindsOf<'journal' | 'store' | 'offsetCommit' | 'identity' | 'away' | 'mute'> = {
  journal: {
    weight: 6,
    schema: z.strictObject({ type: z.literal('journal'), ...nthFields, fault: journalFaultSchema }),
    draw: (context) => ({ type: 'journal', ...drawNth(context), fault: drawJournalFault(context) }),
    words: (fault) => `${processWords(fault)}: ${JOURNAL_WORDS[fault.fault.type](ordinal(fault.nth))}`,
  },
  store: {
    weight: 10,
    schema: z.strictObject({
      ...{ type: z.literal('store'), ...nthFields, point: z.enum(FAILPOINTS) },
      fault: z.enum([...ANY_STORE_FAULTS, 'powerCut']),
    }),
    draw(context) {
      const { random, store } = context;
      const point = random.pick(pointsOf(store).filter((one) => one.startsWith('store.')));
      return { type: 'store', ...drawNth(context), point, fault: random.pick(storeFaults(store)) };
    },
    words: (fault) =>
      `${processWords(fault)}: its ${ordinal(fault.nth)} ${fault.point} ${STORE_WORDS[fault.fault]}`,
  },
  offsetCommit: {
    weight: 1,
    schema: z.strictObject({ type: z.literal('offsetCommit'), ...nthFields, fault: z.enum(LOST) }),
    draw: (context) => ({
      ...{ type: 'offsetCommit', ...drawNth(context) },
      fault: context.random.pick(LOST),
    }),
    words: (fault) =>
      `${processWords(fault)}: its ${ordinal(fault.nth)} offset commit ${STORE_WORDS[fault.fault]}`,
  },
  identity: {
    weight: 2,
    schema: z.strictObject({ type: z.literal('identity'), ...nthFields }),
    draw: (context) => ({ type: 'identity', ...drawNth(context) }),
    words: (fault) =>
      `${processWords(fault)}: its ${ordinal(fault.nth)} question whether the topic is still the ` +
      'same gets no answer',
  },
  away: {
    weight: 2,
    schema: z.strictObject({
      ...{ type: z.literal('away'), service: z.enum(SERVICES), atMs: counted, forMs: counted },
    }),
    draw: (context) => ({
      ...{ type: 'away', service: context.random.pick(SERVICES), atMs: drawTimeMs(context) },
      forMs: context.random.pick(AWAY_MS),
    }),
    words: ({ service, atMs, forMs }) => `the ${service} is away for ${forMs} ms at ${atMs} ms`,
    strike({ service, forMs }, world) {
      world[service].goAway(forMs);
      world.lasts(world.nowMs + forMs);
    },
  },
  mute: {
    weight: 2,
    schema: z.strictObject({ type: z.literal('mute'), atMs: counted, forMs: counted }),
    draw: (context) => ({
      ...{ type: 'mute', atMs: drawTimeMs(context), forMs: context.random.pick(AWAY_MS) },
    }),
    words: ({ atMs, forMs }) =>
      `at ${atMs} ms, for ${forMs} ms, what reaches the journal takes effect, and its replies are lost`,
    strike({ forMs }, world) {
      world.journal.goMute(forMs);
      world.lasts(world.nowMs + forMs);
    },
  },
};

const JOURNAL_WORDS: Readonly<Record<JournalFault['type'], (nth: string) => string>> = {
  lostReply: (nth) => `its ${nth} append takes effect, the reply is lost`,
  lostRequest: (nth) => `its ${nth} append is lost on the way`,
  late: (nth) => `its ${nth} append arrives when it has been given up`,
  refused: (nth) => `its ${nth} append is refused`,
  staleRead: (nth) => `its ${nth} read of the journal misses the newest entries`,
  brokenRead: (nth) => `its ${nth} read of the journal breaks off`,
  lostSnapshot: (nth) => `its ${nth} snapshot, written or read, is lost`,
  staleSnapshot: (nth) => `its ${nth} snapshot, written or read, is an older one`,
  damagedSnapshot: (nth) => `its ${nth} snapshot, written or read, has a flipped bit`,
};

const STORE_WORDS: Readonly<Record<StoreFault, string>> = {
  powerCut: 'takes effect, and the power goes: every process dies, what was not made durable may be gone',
  lostReply: 'takes effect, the reply is lost',
  lostRequest: 'is lost on the way',
  late: 'takes effect when it has been given up',
  slow: 'takes long',
  asleep: 'takes effect, and the process sleeps for longer than its session',
  refused: 'is refused',
};
