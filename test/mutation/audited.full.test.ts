import { expect, it } from 'vitest';
import { BLIND, describeAudited } from './auditedTable.ts';
import { MUTATIONS } from './table.ts';

/** Most of what does harm is caught within a few. */
const RUNS = 40;

describeAudited('the whole mutation table, audited', MUTATIONS, { runs: RUNS, harmfulMin: 20 });

it('explains only changes that there are', () => {
  const names = MUTATIONS.map(({ name }) => name);
  expect(Object.keys(BLIND).filter((name) => !names.includes(name))).toEqual([]);
});
