import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { filesProbe } from '../../../../src/sources/files/probe.ts';

async function findings(names: readonly string[], filesMax = 10, mayRead = async () => Promise.resolve()) {
  const baseDir = mkdtempSync(path.join(tmpdir(), 'tidemark-files-'));
  onTestFinished(() => rmSync(baseDir, { recursive: true }));
  for (const name of names) writeFileSync(path.join(baseDir, name), '');
  const probe = filesProbe({ baseDir, pattern: '*.ndjson', filesMax, mayRead });
  const found = [];
  for (const { run } of probe.checks) found.push(await run(new AbortController().signal));
  return { found, partitions: probe.partitions() };
}

test('files that match and may be read', async () => {
  const { found, partitions } = await findings(['a.ndjson', 'b.ndjson', 'c.txt']);
  expect(found).toMatchObject([{ outcome: 'pass', found: '2 files of *.ndjson' }, { outcome: 'pass' }]);
  expect(partitions).toBe(2);
});

test('no file fails, too many are a warning, one that may not be read fails', async () => {
  expect((await findings([])).found[0]?.outcome).toBe('fail');
  expect((await findings(['a.ndjson', 'b.ndjson'], 1)).found[0]?.outcome).toBe('warn');
  const refused = await findings(['a.ndjson'], 10, () => Promise.reject(new Error('EACCES')));
  expect(refused.found[1]).toMatchObject({
    outcome: 'fail',
    found: 'files that may not be read: a.ndjson (EACCES)',
  });
});
