/** A request of a user who may read the journal and not write it. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Subject } from '../../../../journal/ids.ts';
import { openSqliteJournal } from '../../../../journal/sqlite/journal.ts';

const NOBODY = 65_534;
const FILES = `
  const { openSqliteJournal } = await import(process.argv[1]);
  const journal = await openSqliteJournal({ path: process.argv[2], access: 'read', createIfMissing: false });
  await journal.fileRequest('clicks.request.clicks.0', new Uint8Array(3)).catch((error) => console.log(error.message));
`;

// Only root can be somebody else.
test.runIf(process.getuid?.() === 0)(
  'is told that this user may not, and not that trying again helps',
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-journal-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await chmod(folder, 0o755);
    const file = path.join(folder, 'journal.db');
    const owner = await openSqliteJournal({ path: file, access: 'own', createIfMissing: true });
    onTestFinished(() => owner.close());
    await owner.append('clicks.partition.clicks.0' as Subject, 0, new Uint8Array(3));
    const module = path.resolve(import.meta.dirname, '../../../../journal/sqlite/journal.ts');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', FILES, module, file],
      { uid: NOBODY, gid: NOBODY, encoding: 'utf8' },
    );
    expect(stderr).not.toContain('Error');
    expect(stdout).toBe(
      `The request was not filed in ${file}: The journal ${file} may not be written by this user. ` +
        'Run the command as the user that the coordinator runs as.\n',
    );
  },
);
