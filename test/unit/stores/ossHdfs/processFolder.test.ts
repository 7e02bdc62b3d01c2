import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProcessIdentity, ProcessTable } from '../../../../src/system/processTable.ts';
import { openProcessFolder } from '../../../../src/stores/ossHdfs/processFolder.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';

const BOOT = '0b5a6c1e-0000-4000-8000-000000000001';
const OTHER_BOOT = '0b5a6c1e-0000-4000-8000-000000000002';
const SELF: ProcessIdentity = {
  ...{ bootId: BOOT, pidNamespace: 'pid:[77]', pid: 100, processStartTime: '5000' },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-processes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const table = (living: Record<number, string>, self: ProcessIdentity | null = SELF): ProcessTable => ({
  self: () => self,
  startTimeOf: (pid) => living[pid] ?? null,
});

const openAs = (self: ProcessIdentity, living: Record<number, string>): Promise<string> =>
  openProcessFolder(folder, silentLog, table(living, self));

const left = async (): Promise<string[]> => (await readdir(folder)).sort();

describe('the folder of a process', () => {
  test('is the same for all stores of a process, and nobody else may look into it', async () => {
    const own = await openAs(SELF, { 100: '5000' });
    await writeFile(path.join(own, 'tmp-1'), 'not flushed');
    expect(await openAs(SELF, { 100: '5000' })).toBe(own);
    expect(await readdir(own)).toEqual(['tmp-1']);
    expect((await stat(own)).mode & 0o077).toBe(0);
  });

  test('of a killed process is removed by the next one, also where its pid lives again', async () => {
    const killed = await openAs({ ...SELF, pid: 90 }, {});
    await writeFile(path.join(killed, 'tmp-1'), 'not flushed');
    const reborn = await openAs({ ...SELF, pid: 91, processStartTime: '1' }, {});
    const own = await openAs(SELF, { 91: '4000', 100: '5000' });
    expect(await left()).toEqual([path.basename(own)]);
    expect(path.basename(reborn)).not.toBe(path.basename(own));
  });

  test('of a living process, of another boot or pid namespace, and what is not ours, stays', async () => {
    const others = [
      await openAs({ ...SELF, pid: 90, processStartTime: '4' }, { 90: '4' }),
      await openAs({ ...SELF, pid: 91, bootId: OTHER_BOOT }, { 90: '4' }),
      await openAs({ ...SELF, pid: 92, pidNamespace: 'pid:[78]' }, { 90: '4' }),
    ];
    await mkdir(path.join(folder, 'somebody else'));
    const own = await openAs(SELF, { 90: '4', 100: '5000' });
    expect(await left()).toEqual(
      [...[...others, own].map((one) => path.basename(one)), 'somebody else'].sort(),
    );
  });

  test('is shared where the system cannot tell processes apart, and then never removed', async () => {
    const own = await openProcessFolder(folder, silentLog, table({}, null));
    expect(await openProcessFolder(folder, silentLog, table({}, null))).toBe(own);
    expect(await left()).toEqual([path.basename(own)]);
  });
});
