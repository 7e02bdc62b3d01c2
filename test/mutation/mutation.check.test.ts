import { describe, expect, it } from 'vitest';
import { describeTable, MUTATIONS } from './table.ts';

/** What is caught soon is tried at every check; the rest, and all of it, in the full one. */
const SOON_RUNS = 60;
/** Of those that do not say when they are caught. */
const EVERY = 6;

const sample = MUTATIONS.filter(({ foundAt }, index) =>
  foundAt === undefined ? index % EVERY === 0 : foundAt <= SOON_RUNS,
);

describe('the mutation table', () => {
  it('holds enough of them, each once', () => {
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(85);
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  });
});

describeTable('of the mutation table what is caught soon', sample);
