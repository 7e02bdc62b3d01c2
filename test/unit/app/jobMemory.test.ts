import { expect, it } from 'vitest';
import { residentReader } from '../../../src/app/jobMemory.ts';

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
