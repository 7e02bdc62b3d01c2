import { expect, it } from 'vitest';
import { BLIND, describeAudited } from './auditedTable.ts';
import { MUTATIONS } from './table.ts';

/** Of each harm one or two, all caught in one of the first schedules; the last cannot be seen. */
const SAMPLE: readonly string[] = [
  'the cursor is off by one: the record that it stands on is left out',
  'a cut goes past a record that waits for its file',
  'a checkpoint says one offset too few',
  'a rejoin in the same epoch seeks to nextOffset, not to the cursor',
  'records of a file are buffered in the wrong order',
  'a checkpoint does not make the bytes durable',
  'a publication with unknown outcome counts as done',
  'partCommitted is journaled before the file is published',
];
const sample = MUTATIONS.filter(({ name }) => SAMPLE.includes(name));

describeAudited('wrong changes, audited', sample, { runs: 60, harmfulMin: SAMPLE.length });

it('knows each change of its sample, and explains only changes that there are', () => {
  const names = MUTATIONS.map(({ name }) => name);
  expect([...SAMPLE, ...Object.keys(BLIND)].filter((name) => !names.includes(name))).toEqual([]);
});
