import { describe, expect, test } from 'vitest';
import { flipSqlite, jobToAudit, type FlipOutcome } from './auditFlips.ts';

describe('an audit of an SQLite journal with a flipped bit', () => {
  test('finds it, or it does no harm (50 bits)', async () => {
    const audited = await jobToAudit();
    const outcomes = new Set<FlipOutcome>();
    for (let seed = 1; seed <= 50; seed += 1) outcomes.add(await flipSqlite(audited, seed));
    // Else the bits hit nothing that counts.
    expect(outcomes).toEqual(new Set(['found', 'refused', 'harmless']));
  }, 600_000);
});
