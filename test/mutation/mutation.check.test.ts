import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTable, MUTATIONS } from './table.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '..', '..');
/** What is caught soon is tried at every check; the rest, and all of it, in the full one. */
const SOON_RUNS = 10;
/** Of those that do not say when they are caught. */
const EVERY = 12;

const sample = MUTATIONS.filter(({ foundAt, schedule }, index) => {
  if (schedule !== undefined) return true;
  return foundAt === undefined ? index % EVERY === 0 : foundAt <= SOON_RUNS;
});

describe('the mutation table', () => {
  it.each(MUTATIONS)('changes the sources as they are: $name', ({ patches }) => {
    for (const { file, find } of patches)
      expect(readFileSync(path.join(CHECKOUT, file), 'utf8').split(find), `${file}: ${find}`).toHaveLength(2);
  });

  it('holds enough of them, each once', () => {
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(85);
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  });
});

describeTable('of the mutation table what is caught soon', sample);
