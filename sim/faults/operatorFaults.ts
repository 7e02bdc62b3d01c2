/** What operators file: in time, too early, and wrong. */
import { z } from 'zod';
import { counted, drawTimeMs, placed } from './drawing.ts';
import type { KindsOf, WorldHands } from './kind.ts';

const ASKED = ['resume', 'acceptLoss', 'acceptTruncation', 'garbage', 'fromJournal', 'fromWitness'] as const;
/** A process waits ten seconds for a journal that went back, before its partitions stop. */
const ANSWERS_MS = 22_000;
/** From one call to the next; until another owner has taken over. */
const SWEEP_WAITS_MS = [0, 0, 5, 300, 2_500] as const;
const SKEWS = [0, 0, 1, -1, 2] as const;

/** What the partition's last stop would lose, each end off by that many offsets. */
function lossOf(world: WorldHands, partition: number, skew: number): { from: bigint; to: bigint } {
  const nextOffset = world.journal.nextOffsetOf(partition) ?? 0n;
  const log = world.kafka.log(partition);
  const { startOffset } = log;
  const end = BigInt(log.endAt(world.nowMs));
  const from = nextOffset + BigInt(skew);
  const to = BigInt(Math.max(startOffset, Number(nextOffset) + 1));
  // Nothing is lost beyond the end: giving that up is another mistake than the one tested here.
  return { from: from < 0n ? 0n : from, to: skew === 0 || to + 2n > end ? to : to + 2n };
}

/** Where the log went back, according to the last stop, off by `skew` offsets. Null if it does not say. */
function divergenceOf(world: WorldHands, partition: number, skew: number): bigint | null {
  const divergedAt = world.journal.divergenceOf(partition);
  return divergedAt === null || divergedAt + BigInt(skew) < 0n ? null : divergedAt + BigInt(skew);
}

export const OPERATOR_FAULTS: KindsOf<'roll' | 'request' | 'answer' | 'orphans'> = {
  roll: {
    weight: 1,
    schema: z.strictObject({ type: z.literal('roll'), partition: placed, atMs: counted }),
    draw: (context) => ({
      ...{ type: 'roll', partition: context.random.below(context.partitions), atMs: drawTimeMs(context) },
    }),
    words: ({ atMs, partition }) => `an operator asks at ${atMs} ms for partition ${partition} to be rolled`,
    strike({ partition }, world) {
      world.request(partition, { type: 'roll' });
    },
  },
  answer: {
    weight: 0,
    isHarm: true,
    schema: z.strictObject({
      ...{ type: z.literal('answer'), atMs: counted, forMs: counted },
      ...{ from: z.enum(['journal', 'witness']), acceptLoss: z.boolean() },
    }),
    draw: (context) => ({
      ...{ type: 'answer', atMs: drawTimeMs(context), forMs: ANSWERS_MS },
      from: context.random.pick(['journal', 'witness'] as const),
      acceptLoss: context.random.percent(80),
    }),
    words: ({ atMs, forMs, from, acceptLoss }) =>
      `from ${atMs} ms on, for ${forMs} ms, an operator answers from the ${from} where a journal went back` +
      (acceptLoss ? ', and accepts the loss' : ''),
    strike({ forMs, from, acceptLoss }, world) {
      world.answer(forMs, from, acceptLoss);
    },
  },
  orphans: {
    // Drawn apart from the others (sim/draw/sweeps.ts).
    weight: 0,
    schema: z.strictObject({ type: z.literal('orphans'), atMs: counted, waitMs: counted }),
    draw: (context) => ({
      ...{ type: 'orphans', atMs: drawTimeMs(context), waitMs: context.random.pick(SWEEP_WAITS_MS) },
    }),
    words: ({ atMs, waitMs }) =>
      `an operator lists orphans at ${atMs} ms, and deletes them${waitMs === 0 ? '' : ` ${waitMs} ms later`}`,
    strike({ waitMs }, world) {
      world.sweep(waitMs);
    },
  },
  request: {
    weight: 2,
    schema: z.strictObject({
      ...{ type: z.literal('request'), partition: placed, atMs: counted, asks: z.enum(ASKED) },
      skew: z.number().int().min(-1_000).max(1_000),
    }),
    draw: (context) => ({
      ...{ type: 'request', partition: context.random.below(context.partitions), atMs: drawTimeMs(context) },
      ...{ asks: context.random.pick(ASKED), skew: context.random.pick(SKEWS) },
    }),
    words: ({ atMs, partition, asks, skew }) =>
      `an operator asks at ${atMs} ms for partition ${partition}: ${REQUEST_WORDS[asks]}` +
      (asks.startsWith('accept') && skew !== 0 ? `, ${skew} off` : ''),
    strike({ partition, asks, skew }, world) {
      if (asks === 'garbage') world.request(partition, new TextEncoder().encode('{"type":"ro'));
      else if (asks === 'fromJournal' || asks === 'fromWitness') {
        const from = asks === 'fromJournal' ? 'journal' : 'witness';
        world.request(partition, { type: 'resume', from, acceptLoss: skew === 0 });
      } else if (asks === 'resume')
        world.request(partition, { type: 'resume', from: null, acceptLoss: false });
      else if (asks === 'acceptTruncation')
        world.request(partition, {
          type: 'acceptTruncation',
          divergedAt: divergenceOf(world, partition, skew),
        });
      else {
        const { from, to } = lossOf(world, partition, skew);
        world.request(partition, { type: 'acceptLoss', fromOffset: from, toOffset: to });
      }
    },
  },
};

const REQUEST_WORDS: Readonly<Record<(typeof ASKED)[number], string>> = {
  resume: 'resume',
  acceptLoss: 'accept the loss',
  acceptTruncation: 'accept the truncation',
  garbage: 'something that cannot be read',
  fromJournal: 'resume from the journal',
  fromWitness: 'resume from the witness',
};
