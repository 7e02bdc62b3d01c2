/** One million flat records of about 160 bytes, as newline JSON: 2 INT64, DOUBLE, BOOLEAN, 4 strings. */

export const SCHEMA = {
  ...{ id: 'long', time: 'long', amount: 'double', active: 'boolean' },
  ...{ user: 'string', country: 'string', page: 'string', session: 'string' },
};

const COUNTRIES = ['DE', 'FR', 'US', 'CN', 'IN', 'BR', 'JP', 'GB', 'IT', 'ES'];

/** A sequence of numbers below 2^32 that is the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** The records, each with its line feed. */
export function makeRows(count: number): Buffer {
  const next = numbers(7);
  const parts: Buffer[] = [];
  let lines: string[] = [];
  for (let row = 0; row < count; row += 1) {
    const record = {
      id: row,
      time: 1_700_000_000_000 + row * 13 + (next() % 1000),
      amount: (next() % 1_000_000) / 100,
      active: next() % 2 === 0,
      user: `user-${next() % 100_000}`,
      country: COUNTRIES[next() % COUNTRIES.length],
      page: `/products/${next() % 1000}/view`,
      session: next().toString(16).padStart(8, '0') + next().toString(16).padStart(8, '0'),
    };
    lines.push(`${JSON.stringify(record)}\n`);
    if (lines.length === 10_000) {
      parts.push(Buffer.from(lines.join('')));
      lines = [];
    }
  }
  parts.push(Buffer.from(lines.join('')));
  return Buffer.concat(parts);
}
