/** Every bench in small, so that none rots: that they run and compare, not how fast anything is. */
import { beforeAll, expect, it, type TestContext } from 'vitest';
import { flights } from '../../bench/flights.ts';
import type { BenchResult, RowResult } from '../../bench/harness/results.ts';
import type { RowName } from '../../bench/rows/row.ts';
import { checkoutDir } from '../../scripts/services/common.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { describeIntegration, services } from '../services/integration.ts';
import type { Ended } from '../unit/cli/collect.ts';
import { quickBench, quickRows } from './runBench.ts';

const RECORDS = 20_000;
/** Those of formats have a test of their own (formatBenches.full.test.ts). */
const SOME: readonly RowName[] = ['throughput', 'buckets-flink', 'fetch', 'restart', 'oss-hdfs', 'audit'];
const ROWS = inTier({
  ...{ test: SOME, check: SOME },
  full: [...SOME, ...(['cpu', 'memory', 'codecs', 'buckets', 'interval'] as const)],
});
const COMPARED: readonly RowName[] = ROWS.filter((name) => !['fetch', 'restart', 'audit'].includes(name));
const LINE_BYTES = 162;

describeIntegration(
  'the bench',
  () => {
    let ended: Ended;
    let result: BenchResult;
    beforeAll(async () => {
      ended = await quickRows(ROWS, RECORDS);
      result = JSON.parse(ended.stdout) as BenchResult;
    }, 300_000);

    function rowOf(name: RowName): RowResult | undefined {
      return result.rows.find((row) => row.name === name);
    }

    /**
     * Without Flink's jars there is nothing to compare with: a reason to skip, but not where everything is to
     * be had.
     */
    function measured(name: RowName, { skip }: TestContext): RowResult & { type: 'measured' } {
      const row = rowOf(name);
      if (row?.type === 'measured') return row;
      const reason = row?.reason ?? 'no such row';
      if (reason.includes('cannot be had') && process.env['CI'] !== 'true') skip(reason);
      throw new Error(`${name}: ${reason}\n${ended.stderr}`);
    }

    it.for(COMPARED)('measures %s: both sides write every record', (name, context) => {
      const { ratio, experiments } = measured(name, context);
      expect(ratio).toBeGreaterThan(0);
      expect(experiments).toHaveLength(name === 'codecs' ? 2 : 1);
      for (const { rounds, sides } of experiments) {
        expect(rounds).toBe(1);
        const runs = sides.flatMap((side) => side.runs);
        expect(runs.map(({ bytes }) => bytes)).toEqual([RECORDS * LINE_BYTES, RECORDS * LINE_BYTES]);
        expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
        for (const { seconds, cpuSeconds, peakMemoryMiB } of runs) {
          expect(Math.min(seconds, cpuSeconds, peakMemoryMiB)).toBeGreaterThan(0);
        }
      }
    });

    if (ROWS.includes('buckets')) {
      it('writes a thousand files for each partition into a thousand buckets', (context) => {
        const [one, many] = measured('buckets', context).experiments[0]?.sides ?? [];
        expect(one?.runs[0]?.files).toBe(4);
        expect(many?.runs[0]?.files).toBe(4 * 1_000);
      });
    }

    it('puts the same records into the same buckets as Flink', (context) => {
      const [flink, ours] = measured('buckets-flink', context).experiments[0]?.sides ?? [];
      expect(flink?.runs[0]?.files).toBeGreaterThanOrEqual(1_000);
      expect(ours?.runs[0]?.files).toBe(4 * 1_000);
    });

    it('measures fetch: the consumer has counted every record', (context) => {
      const { ratio, durations = [] } = measured('fetch', context);
      expect(ratio).toBeGreaterThan(0);
      expect(durations.map(({ seconds }) => seconds.length)).toEqual([1, 1]);
    });

    it('measures restart: both continue from where they were killed', (context) => {
      const { ratio, durations = [] } = measured('restart', context);
      expect(ratio).toBeGreaterThan(0);
      expect(durations.map(({ name, seconds }) => [name, seconds.length])).toEqual([
        ['Flink', 1],
        ['Tidemark', 1],
      ]);
      for (const { spread } of durations) expect(spread.min).toBeGreaterThan(0);
    });

    it('measures audit beside a claim of the same journal', (context) => {
      const { ratio, durations = [] } = measured('audit', context);
      expect(ratio).toBeGreaterThan(0);
      expect(durations.map(({ name, seconds }) => [name, seconds.length])).toEqual([
        ['claim', 1],
        ['audit', 1],
      ]);
    });

    it('compares with another checkout', async () => {
      const against = await quickBench('--only', 'throughput', '--against', checkoutDir);
      const { rows, settings } = JSON.parse(against.stdout) as BenchResult;
      expect(settings['against']).toBe('.');
      const [row] = rows;
      if (row?.type !== 'measured') throw new Error(`${row?.reason ?? 'no row'}\n${against.stderr}`);
      expect(row.experiments.flatMap(({ sides }) => sides.map(({ name }) => name))).toEqual([
        'other',
        'this',
      ]);
      expect(row.ratio).toBeGreaterThan(0);
      expect(row.goal).toEqual({ atLeast: 0.97 });
    });

    it('names the machine, the versions and the commit', () => {
      expect(result.machine.cores).toBeGreaterThan(0);
      expect(result.versions).toMatchObject({ flink: '2.2.0', node: process.versions.node });
      expect(result.versions['commit']).toMatch(/^[0-9a-f]{40}/);
    });
  },
  { timeoutMs: 300_000 },
);

describeIntegration('the flights', () => {
  it('are all written, each once', async () => {
    const result = await flights({ ...services(), records: 2_000 });
    expect(result.records).toBe(2_000);
    expect(result.files).toBeGreaterThan(0);
  });
});
