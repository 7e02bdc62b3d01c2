/**
 * Tests of a table of wrong changes: each must be caught, and the sources as they are must hold in the same
 * schedules.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { left, right, tableLines } from '../../src/cli/table.ts';
import type { StoreKind } from '../../sim/schedule.ts';
import { ANSWER_MUTATIONS } from './answerMutations.ts';
import { BUCKET_MUTATIONS } from './bucketMutations.ts';
import { CONFIG_MUTATIONS } from './configMutations.ts';
import { ROUTER_MUTATIONS } from './routerMutations.ts';
import { ROWS_MUTATIONS } from './rowsMutations.ts';
import type { Hunted } from './hunt.ts';
import { JOURNAL_MUTATIONS } from './journalMutations.ts';
import { LOG_MUTATIONS } from './logMutations.ts';
import type { Mutation, Patch } from './mutation.ts';
import { ORPHANS_MUTATIONS } from './orphansMutations.ts';
import { PROTOCOL_MUTATIONS } from './protocolMutations.ts';
import { RECORD_MUTATIONS } from './recordMutations.ts';
import { REPAIR_MUTATIONS } from './repairMutations.ts';
import { MORE_PROTOCOL_MUTATIONS } from './protocolMutations2.ts';
import { SCARCITY_MUTATIONS } from './scarcityMutations.ts';
import { inCopies } from './scratchCopy.ts';
import { TAKE_OVER_MUTATIONS } from './takeOverMutations.ts';
import { SNAPSHOT_MUTATIONS } from './snapshotMutations.ts';
import { STORE_MUTATIONS } from './storeMutations.ts';
import { TOPIC_MUTATIONS } from './topicMutations.ts';

/** Every wrong change that was ever written down. */
export const MUTATIONS: readonly Mutation[] = [
  ...JOURNAL_MUTATIONS,
  ...SNAPSHOT_MUTATIONS,
  ...ROUTER_MUTATIONS,
  ...TAKE_OVER_MUTATIONS,
  ...STORE_MUTATIONS,
  ...PROTOCOL_MUTATIONS,
  ...MORE_PROTOCOL_MUTATIONS,
  ...SCARCITY_MUTATIONS,
  ...LOG_MUTATIONS,
  ...TOPIC_MUTATIONS,
  ...ANSWER_MUTATIONS,
  ...CONFIG_MUTATIONS,
  ...ROWS_MUTATIONS,
  ...BUCKET_MUTATIONS,
  ...RECORD_MUTATIONS,
  ...ORPHANS_MUTATIONS,
  ...REPAIR_MUTATIONS,
];
const HUNT = path.join(import.meta.dirname, 'hunt.ts');
const SEED = 1;
/** Most are caught within a few; a bound, so that one that survives is told. */
const RUNS_MAX = 3_000;
const STORES: readonly StoreKind[] = ['file', 'oss', 'oss-hdfs'];

interface Row extends Hunted {
  readonly exitCode: number | null;
}

interface Task {
  readonly patches: readonly Patch[];
  readonly store: StoreKind;
  readonly seed: number;
  readonly runs: number;
  readonly schedule?: string | undefined;
}

/** Fuzzes patched copies, and gives what was found in the order of the tasks. */
function huntAll(tasks: readonly Task[]): Promise<Row[]> {
  return inCopies(tasks, hunt, failedRow);
}

function hunt(root: string, { store, seed, runs, schedule }: Task): Promise<Row> {
  const one = schedule === undefined ? [] : [path.join(import.meta.dirname, 'schedules', `${schedule}.json`)];
  const args = [HUNT, root, store, String(seed), String(runs), ...one];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      const line = stdout.trim();
      resolve(
        line === '' ? { ...failedRow(stderr), exitCode } : { ...(JSON.parse(line) as Hunted), exitCode },
      );
    });
  });
}

/** A patch that does not apply, or a fuzzer that does not run. */
function failedRow(error: unknown): Row {
  return { verdict: 'held', invariants: [], message: String(error), schedules: 0, exitCode: null };
}

const seedOf = ({ seed = SEED }: Mutation): number => seed;

export function describeTable(title: string, mutations: readonly Mutation[]): void {
  describe(title, () => {
    let rows: readonly Row[] = [];

    beforeAll(async () => {
      rows = await huntAll(mutations.map((one) => ({ ...one, seed: seedOf(one), runs: RUNS_MAX })));
      const cells = mutations.map(({ name, store }, index) => {
        const { invariants, schedules } = rows[index]!;
        return [name, store, invariants.join(' ') || 'NOT CAUGHT', String(schedules)];
      });
      const columns = [left('WRONG CHANGE'), left('STORE'), left('BROKEN'), right('IN RUN')];
      console.log(tableLines(columns, cells).join('\n'));
    }, 3_600_000);

    it.each(mutations.map(({ name, store }, index) => ({ name, store, index })))(
      '$store: $name',
      ({ index }) => {
        const { verdict, exitCode, message } = rows[index]!;
        expect({ verdict, exitCode }, message ?? '').toEqual({ verdict: 'violated', exitCode: 1 });
      },
    );

    it(
      'proves something: the sources as they are hold in all of these schedules',
      { timeout: 3_600_000 },
      async () => {
        const tasks: Task[] = STORES.flatMap((store) => {
          const runs = new Map<number, number>();
          for (const [index, one] of mutations.entries()) {
            if (one.store !== store || one.schedule !== undefined) continue;
            const { schedules } = rows[index]!;
            runs.set(seedOf(one), Math.max(runs.get(seedOf(one)) ?? 0, schedules));
          }
          return [...runs].map(([seed, most]) => ({ patches: [], store, seed, runs: most }));
        });
        const alone = mutations.filter(({ schedule }) => schedule !== undefined);
        tasks.push(
          ...alone.map(({ store, schedule }) => ({ patches: [], store, seed: SEED, runs: 1, schedule })),
        );
        const held = await huntAll(tasks);
        expect(held.map(({ verdict, exitCode, message }) => ({ verdict, exitCode, message }))).toEqual(
          tasks.map(() => ({ verdict: 'held', exitCode: 0, message: null })),
        );
      },
    );
  });
}
