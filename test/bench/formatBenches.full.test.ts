/** The benches of formats in small: that both sides write the same records, not how fast. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { BenchResult } from '../../bench/harness/results.ts';
import { checkoutDir } from '../../scripts/services/common.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { collect } from '../unit/cli/collect.ts';

const RECORDS = 20_000;
const COMPARED = ['gzip-text', 'zstd-text', 'json', 'parquet'] as const;

describeIntegration(
  'the benches of formats',
  () => {
    test('compare: both sides write every record, the same', async () => {
      const { brokers, natsUrl } = services();
      const env = { ...process.env, KAFKA_BROKERS: brokers.join(','), NATS_URL: natsUrl };
      const names = [...COMPARED, 'parquet-cpu', 'slow-topic'];
      const args = ['--quick', '--json', '--records', String(RECORDS), '--only', names.join(',')];
      const bench = spawn(process.execPath, [path.join(checkoutDir, 'bench/bench.ts'), ...args], { env });
      const { stdout, stderr } = await collect(bench);
      const { rows } = JSON.parse(stdout) as BenchResult;
      expect(rows.map(({ name }) => name)).toEqual(names);
      for (const row of rows) {
        if (row.type === 'missing') throw new Error(`${row.name}: ${row.reason}\n${stderr}`);
        expect(row.ratio, row.name).toBeGreaterThan(0);
        const runs = row.experiments.flatMap(({ sides }) => sides.flatMap((side) => side.runs));
        if (!COMPARED.some((name) => name === row.name)) continue;
        expect(runs.map(({ records }) => records)).toEqual([RECORDS, RECORDS]);
        expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
      }
    });
  },
  { timeoutMs: 600_000 },
);
