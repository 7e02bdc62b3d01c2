import { describe, expect, test } from 'vitest';
import { flipOnce, jobToDamage } from './journalFlips.ts';

const TENS = Array.from({ length: 20 }, (_, ten) => 1_000 + ten * 10);

describe('an SQLite journal with a flipped bit', () => {
  test('works, or stops with a reason: never a loop, nothing wrong, no stack (200 bits)', async () => {
    const base = await jobToDamage();
    const problems: unknown[] = [];
    for (const from of TENS)
      for (let seed = from; seed < from + 10; seed += 1)
        await flipOnce(base, seed).catch((error: unknown) => problems.push(error));
    expect(problems).toEqual([]);
  }, 3_600_000);
});
