/** The rules of examples/alerts.yml, judged by Prometheus' own tool. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkoutDir } from '../../scripts/generators.ts';
import { ensurePromtool } from '../../scripts/services/download.ts';
import { runCommand } from '../../scripts/services/processes.ts';

test('promtool takes the alert rules', { timeout: 1_800_000 }, async () => {
  const promtool = await ensurePromtool(() => undefined);
  const rules = path.join(checkoutDir, 'examples/alerts.yml');
  const { stdout } = await runCommand(promtool, ['check', 'rules', '--lint=all', rules]);
  expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
});
