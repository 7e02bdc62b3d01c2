import { expect, test } from 'vitest';
import { openFilesMax } from '../../src/openFilesMax.ts';

const limits = (open: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${open}                 1048576              files\n`;

test('leaves some of the allowed files to connections and the journal', () => {
  expect(openFilesMax(limits('4096'))).toBe(1952);
  expect(openFilesMax(limits('unlimited'))).toBe(Infinity);
  expect(openFilesMax(limits('100'))).toBe(16);
  expect(openFilesMax(limits('300'))).toBe(54);
  expect(openFilesMax('')).toBe(416);
});

test('reads what the system allows this process', () => {
  expect(openFilesMax()).toBeGreaterThanOrEqual(16);
});
