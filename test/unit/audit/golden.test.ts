/** What earlier versions have journaled is no damage to this one. */
import { expect, it } from 'vitest';
import type { Subject } from '../../../journal/ids.ts';
import { ChainCheck } from '../../../journal/replay.ts';
import { partitionOf } from '../../../journal/subjects.ts';
import type { Finding } from '../../../src/audit/findings.ts';
import { PartitionHistory } from '../../../src/audit/partitionHistory.ts';
import { goldenJournals } from '../../golden/goldenFile.ts';

const SUBJECTS = goldenJournals().flatMap(({ name, subjects }) =>
  [...subjects].flatMap(([subject, { entries }]) => {
    const partition = partitionOf(subject as Subject);
    return partition === null ? [] : [{ name, subject: subject as Subject, partition, entries }];
  }),
);

it('there are journals of 0.1.0 and of today', () => {
  expect(new Set(SUBJECTS.map(({ name }) => name.slice(0, 3)))).toEqual(new Set(['0.1', '0.2']));
});

it.each(SUBJECTS)('$name: $subject', ({ subject, partition, entries }) => {
  const findings: Finding[] = [];
  let committed = 0;
  const history = new PartitionHistory({
    ...{ partition, subject },
    onFinding: (finding) => findings.push(finding),
    onCommitted: () => {
      committed += 1;
    },
  });
  const chain = new ChainCheck(subject);
  for (const [index, entry] of entries.entries()) {
    const bytes = new TextEncoder().encode(entry);
    expect(history.next(chain.next({ revision: index + 1, bytes }))).toBe(true);
  }
  expect(findings).toEqual([]);
  expect(history.totals.entries).toBe(entries.length);
  expect(committed).toBe(history.ledger.committedFiles);
});
