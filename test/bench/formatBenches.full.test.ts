/** The benches of formats and of OSS in small: that both sides write the same records, not how fast. */
import { expect, test } from 'vitest';
import type { BenchResult } from '../../bench/harness/results.ts';
import { describeIntegration } from '../services/integration.ts';
import { quickRows } from './runBench.ts';

const RECORDS = 10_000;
const COMPARED = ['gzip-text', 'zstd-text', 'json', 'parquet', 'oss'] as const;

describeIntegration(
  'the benches of formats',
  () => {
    test('compare: both sides write every record, the same', async () => {
      const names = [...COMPARED, 'parquet-cpu', 'slow-topic'];
      const { stdout, stderr } = await quickRows(names, RECORDS);
      const { rows } = JSON.parse(stdout) as BenchResult;
      expect(rows.map(({ name }) => name)).toEqual(names);
      for (const row of rows) {
        if (row.type === 'missing') throw new Error(`${row.name}: ${row.reason}\n${stderr}`);
        expect(row.ratio, row.name).toBeGreaterThan(0);
        const runs = row.experiments.flatMap(({ sides }) => sides.flatMap((side) => side.runs));
        if (!COMPARED.some((name) => name === row.name)) continue;
        expect(runs.map(({ records }) => records)).toEqual(runs.map(() => RECORDS));
        expect(runs.length, row.name).toBeGreaterThanOrEqual(2);
        expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
      }
    });
  },
  { timeoutMs: 600_000 },
);
