import { describe, expect, test } from 'vitest';
import { flipOnce, jobToDamage, type Flip } from './journalFlips.ts';

describe('an SQLite journal with a flipped bit', () => {
  test('works, or stops with a reason: never a loop, nothing wrong, no stack (12 bits)', async () => {
    const base = await jobToDamage();
    const flips: Flip[] = [];
    for (let seed = 1; seed <= 12; seed += 1) flips.push(await flipOnce(base, seed));
    // Else the bits hit nothing that counts.
    expect(new Set(flips.map(({ outcome }) => outcome))).toEqual(new Set(['went on', 'stopped']));
  }, 600_000);
});
