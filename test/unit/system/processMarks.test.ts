import { describe, expect, test } from 'vitest';
import { processMarks } from '../../../src/system/processMarks.ts';
import type { ProcessIdentity, ProcessTable } from '../../../src/system/processTable.ts';

const HERE = { bootId: 'boot', pidNamespace: 'pid:[1]' };

/** A machine on which these processes live, by pid. */
function tableOf(self: Partial<ProcessIdentity> | null, living: Readonly<Record<number, string>>) {
  const table: ProcessTable = {
    self: () => (self === null ? null : { ...HERE, pid: 7, processStartTime: '100', ...self }),
    startTimeOf: (pid) => living[pid] ?? null,
  };
  return processMarks(table);
}

describe('a process is', () => {
  const { own } = tableOf({}, {});

  test.each([
    ['gone', tableOf({ pid: 8 }, { 8: '1' }), true],
    ['gone where another one has its pid', tableOf({ pid: 8 }, { 7: '101' }), true],
    ['alive', tableOf({ pid: 8 }, { 7: '100' }), false],
    ['not known after a boot', tableOf({ bootId: 'later' }, {}), false],
    ['not known in another container', tableOf({ pidNamespace: 'pid:[2]' }, {}), false],
    ['not known where the system tells nothing', tableOf(null, {}), false],
  ])('%s', (_, marks, gone) => {
    expect(marks.isGone(own)).toBe(gone);
  });

  test('of this program if its mark is one', () => {
    const { isGone } = tableOf({ pid: 8 }, {});
    expect(['7', '', `${own}-1`, `x${own}`].map((mark) => isGone(mark))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
