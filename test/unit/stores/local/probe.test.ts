/** Each outcome of the checks of a local folder; faults are injected, since tests may run as root. */
import * as nodeFs from 'node:fs/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { localProbe, type ProbedFileSystem } from '../../../../src/stores/local/probe.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function probed(fileSystem: Partial<ProbedFileSystem> = {}, below = 'lake') {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-local-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sinkUri = `file://${path.join(folder, below)}`;
  let nowMs = 0;
  const probe = localProbe({
    ...{ sinkUri, scratchUri: `${sinkUri}/.tidemark/_doctor-x` },
    fileSystem: { ...nodeFs, ...fileSystem },
    nowMs: () => (nowMs += 1),
  });
  const run = async (id: string) => {
    for (const { id: each, run } of probe.checks) {
      const finding = run(new AbortController().signal);
      if (each === id) return finding;
      await finding.catch(() => undefined);
    }
    throw new Error(`there is no check ${id}`);
  };
  return { folder, probe, run };
}

const statfsOf = (type: number, freeBytes = 2 ** 40) =>
  (async () => ({
    type,
    bsize: 1,
    bavail: freeBytes,
    files: 0,
    ffree: 0,
  })) as unknown as ProbedFileSystem['statfs'];

describe('local-folder', () => {
  test('that may not be written fails, with what to do', async () => {
    const { run, probe } = probed({ access: () => Promise.reject(systemError('EACCES')) });
    const refused = run('local-folder');
    await expect(refused).rejects.toThrow(/EACCES.*owner or the mode/s);
    expect(probe.isAway(await refused.catch((error: unknown) => error))).toBe(false);
  });

  test('whose mount does not answer is away', async () => {
    const stale = (): Promise<never> => Promise.reject(systemError('ESTALE'));
    const { run, probe } = probed({ stat: stale });
    expect(probe.isAway(await run('local-folder').catch((error: unknown) => error))).toBe(true);
  });

  test('that is a file fails', async () => {
    const { folder, run } = probed();
    writeFileSync(path.join(folder, 'lake'), '');
    await expect(run('local-folder')).rejects.toThrow(/ENOTDIR/);
  });
});

test.each([
  [0xef53, 'pass'],
  [0x6969, 'warn'],
  [0x01021994, 'warn'],
  [0x794c7630, 'warn'],
  [0x4d44, 'fail'],
])('local-file-system: type %i is a %s', async (type, outcome) => {
  expect(await probed({ statfs: statfsOf(type) }).run('local-file-system')).toMatchObject({ outcome });
});

test.each([
  [2 ** 31, 'pass'],
  [2 ** 29, 'warn'],
  [2 ** 20, 'fail'],
])('local-disk: %i bytes are a %s', async (bytes, outcome) => {
  expect(await probed({ statfs: statfsOf(0xef53, bytes) }).run('local-disk')).toMatchObject({ outcome });
});

describe('local-links', () => {
  test('without hard links fails', async () => {
    const { run } = probed({ link: () => Promise.reject(systemError('EPERM')) });
    expect(await run('local-links')).toMatchObject({
      outcome: 'fail',
      found: expect.stringContaining('hard link') as string,
    });
  });

  test('that replace a file fail', async () => {
    expect(await probed({ link: async () => Promise.resolve() }).run('local-links')).toMatchObject({
      outcome: 'fail',
      found: 'link(2) replaced a file',
    });
  });
});

test('local-names: where case does not matter it is a warning', async () => {
  const insensitive: ProbedFileSystem['stat'] = (async (file: string) =>
    nodeFs.stat(file.replace('NAMES-A', 'names-a'))) as never;
  expect(await probed({ stat: insensitive }).run('local-names')).toMatchObject({ outcome: 'warn' });
  expect(await probed().run('local-names')).toMatchObject({ outcome: 'pass' });
});

test('local-sync: a slow disk is a warning', async () => {
  const { run } = probed();
  expect(await run('local-sync')).toMatchObject({
    outcome: 'pass',
    found: expect.stringContaining('1.0 ms') as string,
  });
});

test('a scratch folder that cannot be removed is told', async () => {
  const { run, probe } = probed({ rm: () => Promise.reject(systemError('EACCES')) });
  await run('local-links');
  await expect(probe.removeScratch()).rejects.toThrow(/Cannot remove .*_doctor-x/);
});
