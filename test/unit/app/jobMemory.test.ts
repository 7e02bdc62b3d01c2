import { expect, it } from 'vitest';
import { Composition } from '../../../src/app/compose.ts';
import { residentReader } from '../../../src/app/jobMemory.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { loadText, MINIMAL } from './jobFiles.ts';

const failing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: uv_resident_set_memory`), { code });
};

it('if the system cannot be asked, as all files are in use, the last count is used', () => {
  let read: () => number = failing('EMFILE');
  const residentBytes = residentReader(() => read());
  expect(residentBytes()).toBe(0);
  read = () => 12_345;
  expect(residentBytes()).toBe(12_345);
  read = failing('ENFILE');
  expect(residentBytes()).toBe(12_345);
  read = failing('EIO');
  expect(residentBytes).toThrow('EIO');
});

it('a job of parquet has 1 GiB, if its file does not say more or less', () => {
  const memory = new Composition().memory(
    loadText(MINIMAL, { overrides: ['sink.format=parquet'] }),
    silentLog,
  );
  memory.end();
  const { fetchBytes, unpackBytes, writeBytes } = memory.shares;
  expect(fetchBytes + unpackBytes + writeBytes).toBeGreaterThan(256 << 20);
});
