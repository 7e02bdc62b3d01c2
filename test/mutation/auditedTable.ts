/**
 * Wrong changes, and what a deep audit says of what their first broken schedule has left. Where the checkers
 * find that records are lost, doubled, or not as they were read, the audit must not call it clean: that of
 * the changed sources, or else that of the sources as they are. It sees what is left in the end, not what a
 * reader could see meanwhile.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { left, right, tableLines } from '../../src/cli/table.ts';
import type { Invariant } from '../../sim/schedule.ts';
import type { Judged } from './judge.ts';
import type { Mutation } from './mutation.ts';
import { inCopies } from './scratchCopy.ts';

const JUDGE = path.join(import.meta.dirname, 'judge.ts');
const SEED = 1;
/**
 * Lost, seen twice, out of order, changed. P5 to P7 are about time, stops, and names that the job file asks
 * for.
 */
const HARM: readonly Invariant[] = ['P1', 'P2', 'P3', 'P4'];

/** Harm that an audit cannot see by its nature, by the name of the change: why. */
export const BLIND: Readonly<Record<string, string>> = {
  // A checkpoint that closes the file follows; nobody journals when the name appeared.
  'files are committed before the checkpoint is acknowledged': 'the order of a publication and an entry',
  // The file stands in the end, with the bytes that it is to have.
  'partCommitted is journaled before the file is published': 'the order of a publication and an entry',
  'missing counts as committed': 'a publication that arrives after its entry',
  // The same bytes stand under the name again.
  'a final name that stands already is overwritten': 'a name that was gone for a moment',
  // Both take the record from the same function.
  'a record without a value is left out where it is bad': 'the rule by which it compares records with files',
};

export interface AuditedOptions {
  /** Schedules that are tried of each. */
  readonly runs: number;
  /** How many of them are to break what an audit looks at, at least. */
  readonly harmfulMin: number;
}

export function describeAudited(
  title: string,
  mutations: readonly Mutation[],
  { runs, harmfulMin }: AuditedOptions,
): void {
  describe(title, () => {
    let rows: readonly Judged[] = [];
    beforeAll(async () => {
      rows = await inCopies(mutations, (root, mutation) => judge(root, mutation, runs), failed);
      const cells = mutations.map(({ name, store }, index) => {
        const { schedules, broken, verdict, verdictOfOthers, findings } = rows[index]!;
        const verdicts = verdictOfOthers === null ? (verdict ?? '') : [verdict, verdictOfOthers].join(', ');
        return [name, store, broken.join(' '), String(schedules), verdicts, findings.join(' ')];
      });
      const columns = [left('WRONG CHANGE'), left('STORE'), left('BROKEN'), right('IN RUN')];
      console.log(tableLines([...columns, left('VERDICT'), left('FINDINGS')], cells).join('\n'));
    }, 3_600_000);

    it.each(mutations.map(({ name, store }, index) => ({ name, store, index })))(
      '$store: $name',
      ({ name, index }) => {
        const { broken, messages, verdict, verdictOfOthers, error } = rows[index]!;
        expect(error).toBeNull();
        if (!isHarmful(rows[index]!)) return;
        // The others cannot read all that a changed copy throws: that is no finding.
        const isClean = verdict === 'clean' && verdictOfOthers !== 'damaged';
        expect(isClean, `${broken.join(' ')}: ${messages[0] ?? ''}`).toBe(BLIND[name] !== undefined);
      },
    );

    it('proves something: many of them do such harm', () => {
      expect(rows.filter(isHarmful).length).toBeGreaterThanOrEqual(harmfulMin);
    });
  });
}

function isHarmful({ broken }: Judged): boolean {
  return broken.some((invariant) => HARM.includes(invariant));
}

function failed(error: unknown): Judged {
  return {
    ...{ schedules: 0, broken: [], messages: [], verdict: null, verdictOfOthers: null, findings: [] },
    error: String(error),
  };
}

function judge(root: string, { store, seed = SEED }: Mutation, runs: number): Promise<Judged> {
  const args = [JUDGE, root, store, String(seed), String(runs)];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Judged);
      else reject(new Error(`the judge ends with ${error.message}\n${stderr}`));
    });
  });
}
