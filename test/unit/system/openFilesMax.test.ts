import { expect, test } from 'vitest';
import { openFiles } from '../../../src/system/openFilesMax.ts';

const limits = (open: string): string =>
  'Limit                     Soft Limit           Hard Limit           Units\nMax open files           ' +
  ` ${open}                 1048576              files\n`;

const partsMax = (open: string): number => openFiles(false, false, limits(open)).partsMax;

test('leaves some of the allowed files to connections and the journal', () => {
  expect(partsMax('4096')).toBe(1952);
  expect(partsMax('unlimited')).toBe(Infinity);
  expect(partsMax('100')).toBe(16);
  expect(partsMax('300')).toBe(54);
  expect(openFiles(false, false, '').partsMax).toBe(416);
});

test('shares what is left where files are read', () => {
  expect(openFiles(false, true, limits('1024')).partsMax).toBe(208);
  expect(openFiles(true, false, limits('1024'))).toEqual({ partsMax: 312, sourcesMax: 208 });
  expect(openFiles(true, false, limits('256'))).toEqual({ partsMax: 24, sourcesMax: 16 });
  expect(openFiles(true, false, limits('unlimited'))).toEqual({ partsMax: Infinity, sourcesMax: Infinity });
});

test('reads what the system allows this process', () => {
  expect(openFiles(false).partsMax).toBeGreaterThanOrEqual(16);
});
