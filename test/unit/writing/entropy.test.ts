import { expect, test } from 'vitest';
import { drawEntropy } from '../../../src/writing/entropy.ts';
import { SeededRandom } from '../../../sim/random.ts';

test('without entropy nothing is drawn, and nothing taken from the randomness', () => {
  const random = {
    hexId: () => {
      throw new Error('asked');
    },
  };
  expect(drawEntropy(random, null)).toBe('');
});

test.each([1, 4, 17, 64])('%i letters and digits', (length) => {
  const text = drawEntropy(new SeededRandom(length), { key: 'k', length });
  expect(text).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
});

test('every character comes, about as often as any other', () => {
  const random = new SeededRandom(7);
  const counts = new Map<string, number>();
  for (let round = 0; round < 1_000; round += 1)
    for (const char of drawEntropy(random, { key: 'k', length: 62 }))
      counts.set(char, (counts.get(char) ?? 0) + 1);
  expect(counts.size).toBe(62);
  expect(Math.min(...counts.values())).toBeGreaterThan(850);
  expect(Math.max(...counts.values())).toBeLessThan(1_150);
});
