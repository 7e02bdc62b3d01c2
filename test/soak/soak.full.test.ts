/** A minute of the soak, as its user runs it. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { describeIntegration } from '../services/integration.ts';
import { collect } from '../unit/cli/collect.ts';

describeIntegration(
  'the soak',
  () => {
    it('of one minute holds, and prints a verdict for each fault', async () => {
      const main = path.join(import.meta.dirname, 'main.ts');
      const args = [main, '--minutes', '1', '--seed', '1'];
      const { code, stdout, stderr } = await collect(spawn(process.execPath, args));
      expect({ code, last: stdout.trimEnd().split('\n').at(-1) }, stdout + stderr).toEqual({
        code: 0,
        last: 'held',
      });
      expect(stdout).toContain(' 0 lost, 0 doubled');
    });
  },
  { timeoutMs: 600_000, ownServers: true },
);
