import { describe, expect, test } from 'vitest';
import { flipSqlite, jobToAudit } from './auditFlips.ts';

const HUNDREDS = [1_000, 1_100, 1_200, 1_300, 1_400];

describe('an audit of an SQLite journal with a flipped bit', () => {
  test('finds it, or it does no harm (500 bits)', async () => {
    const audited = await jobToAudit();
    const problems: unknown[] = [];
    const counts = { found: 0, refused: 0, harmless: 0 };
    for (const from of HUNDREDS) {
      for (let seed = from; seed < from + 100; seed += 1)
        await flipSqlite(audited, seed).then(
          (outcome) => (counts[outcome] += 1),
          (error: unknown) => problems.push(error),
        );
    }
    console.log(JSON.stringify(counts));
    expect(problems).toEqual([]);
  }, 3_600_000);
});
