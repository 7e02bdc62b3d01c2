/** Where a log differs from what was read, found by leader epochs alone. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochBelow, findDivergence } from '../../../../../src/sources/kafka/log/divergence.ts';
import { EARLIER_EPOCHS_MAX, readEpochBehind } from '../../../../../src/sources/readEpoch.ts';
import type { ReadEpoch } from '../../../../../src/sources/port.ts';

/** The leader epoch of each offset, and which of the records of that epoch and offset it is. */
type Log = readonly { readonly epoch: number; readonly log: number }[];

/** As a broker answers OffsetForLeaderEpoch, whose leader has begun an epoch behind all that it holds. */
function endOf(log: Log, epoch: number): { leaderEpoch: number; endOffset: bigint } {
  const higher = log.findIndex((one) => one.epoch > epoch);
  const below = higher < 0 ? log : log.slice(0, higher);
  return { leaderEpoch: below.at(-1)?.epoch ?? epoch, endOffset: BigInt(below.length) };
}

function readAll(log: Log): ReadEpoch | null {
  return log.reduce<ReadEpoch | null>(
    (before, { epoch }, offset) =>
      readEpochBehind(before, { leaderEpoch: epoch, fetchedOffset: BigInt(offset) }),
    null,
  );
}

async function diverged(read: Log, log: Log): Promise<{ divergedAt: number; leaderEpoch: number | null }> {
  const last = readAll(read)!;
  const position = { offset: BigInt(read.length), read: last };
  const first = endOf(log, last.epoch);
  const found = await findDivergence(position, first, null, async (epoch) => endOf(log, epoch));
  return { divergedAt: Number(found.divergedAt), leaderEpoch: found.leaderEpoch };
}

/** `of(1, 3, 2, 1)`: three of epoch 1, then one of epoch 2. */
const of = (...counts: number[]): Log =>
  counts.flatMap((count, index) =>
    index % 2 === 0 ? [] : Array.from({ length: count }, () => ({ epoch: counts[index - 1] ?? 0, log: 0 })),
  );

const step = fc.oneof(
  fc.record({ type: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ type: fc.constant('elect' as const) }),
  fc.record({
    ...{ type: fc.constant('cut' as const), keep: fc.nat(40), unseen: fc.nat(3), count: fc.nat(12) },
  }),
);

describe('where a log differs', () => {
  test.each([
    ['the last epoch is shorter', of(1, 4, 2, 4), of(1, 4, 2, 2, 5, 9), 6, 2],
    ['the last epoch is gone', of(1, 4, 2, 4), of(1, 9, 5, 1), 4, 1],
    [
      'the last two are gone, and an earlier one ends behind both',
      of(1, 4, 2, 4, 3, 4),
      of(1, 20, 5, 1),
      4,
      1,
    ],
    [
      'the last two are gone, and an earlier one ends between them',
      of(1, 4, 2, 4, 3, 4),
      of(1, 6, 5, 9),
      4,
      1,
    ],
    ['so they are, and the earlier one is shorter, too', of(1, 4, 2, 4, 3, 4), of(1, 3, 5, 9), 3, 1],
    ['an epoch that nobody has read stands in place of the last', of(1, 4, 3, 4), of(1, 4, 2, 9, 5, 1), 4, 1],
    ['and the one before is shorter', of(1, 4, 3, 4), of(1, 2, 2, 1, 5, 9), 2, 1],
  ])('%s', async (_name, read, log, divergedAt, leaderEpoch) => {
    expect(await diverged(read, log)).toEqual({ divergedAt, leaderEpoch });
  });

  test('of the epochs before the last one no more are kept than an entry may hold', async () => {
    const read = Array.from({ length: 50 }, (_, epoch) => ({ epoch, log: 0 }));
    expect(readAll(read)?.earlier).toHaveLength(EARLIER_EPOCHS_MAX);
    expect(await diverged(read, [...read.slice(0, 20), ...of(60, 9)])).toEqual({
      ...{ divergedAt: 20, leaderEpoch: 19 },
    });
  });

  test('is where the first record is another one, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(step, { minLength: 1, maxLength: 6 }),
        async (before, after) => {
          const world = new World();
          for (const one of before) world.take(one);
          const read = world.log;
          for (const one of after) world.take(one);
          const { log } = world;
          fc.pre(read.length > 0);
          const last = readAll(read)!;
          const { leaderEpoch, endOffset } = endOf(log, last.epoch);
          const differs = read.findIndex((one, offset) => one !== log[offset]);
          // KIP-320, and an answer for an earlier epoch.
          const isNoticed = endOffset < BigInt(read.length) || leaderEpoch < last.epoch;
          expect(isNoticed).toBe(differs >= 0);
          if (isNoticed) expect((await diverged(read, log)).divergedAt).toBe(differs);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe('the leader epoch below an offset', () => {
  const below = (log: Log, offset: number, latest: number) =>
    epochBelow(BigInt(offset), latest, async (epoch) => endOf(log, epoch));

  test('is that of the record before it, and begins where the log has its first one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(), async (steps, drawn) => {
        const world = new World();
        for (const one of steps) world.take(one);
        const { log, epoch: latest } = world;
        fc.pre(log.length > 0);
        const offset = 1 + (drawn % log.length);
        const { epoch } = log[offset - 1]!;
        const startOffset = BigInt(log.findIndex((one) => one.epoch === epoch));
        expect(await below(log, offset, latest)).toEqual({ epoch, startOffset });
      }),
    );
  });

  test('that retention has removed is one that ends there or later, but not in a shorter log', async () => {
    const kept = (log: Log, start: number) => async (epoch: number) => {
      const found = endOf(log, epoch);
      return found.endOffset < BigInt(start) ? { leaderEpoch: epoch, endOffset: BigInt(start) } : found;
    };
    const found = await epochBelow(9n, 7, kept(of(2, 4, 5, 20), 9));
    expect(found).toEqual({ epoch: 4, startOffset: 9n });
    expect(endOf(of(2, 4, 5, 20), 4).endOffset).toBeLessThan(9n);
    expect(endOf(of(2, 9, 5, 20), 4).endOffset).toBe(9n);
  });
});

type Step =
  | { readonly type: 'append'; readonly count: number }
  | { readonly type: 'elect' }
  | { readonly type: 'cut'; readonly keep: number; readonly unseen: number; readonly count: number };

/** An epoch has one leader, and so one record at an offset, and one offset at which it begins. */
class World {
  log: Log = [];
  #epoch = 0;
  #cuts = 0;
  get epoch(): number {
    return this.#epoch;
  }

  /** How far an epoch has gone in any log. */
  readonly #reached = new Map<number, number>();

  take(step: Step): void {
    if (step.type === 'append') this.#append(this.#epoch, step.count);
    else if (step.type === 'elect') this.#epoch += 1;
    else this.#cut(step);
  }

  #append(epoch: number, count: number): void {
    this.log = [...this.log, ...Array.from({ length: count }, () => ({ epoch, log: this.#cuts }))];
    if (count > 0) this.#reached.set(epoch, Math.max(this.#reached.get(epoch) ?? 0, this.log.length));
  }

  #cut({ keep, unseen, count }: Step & { readonly type: 'cut' }): void {
    this.log = this.log.slice(0, keep);
    this.#cuts += 1;
    const epoch = Math.min(this.#epoch, (this.log.at(-1)?.epoch ?? 0) + unseen);
    const reached = this.#reached.get(epoch);
    const isOwn = this.log.at(-1)?.epoch === epoch;
    if (reached === undefined || (isOwn && reached <= this.log.length)) this.#append(epoch, count);
    this.#epoch += 1;
  }
}
