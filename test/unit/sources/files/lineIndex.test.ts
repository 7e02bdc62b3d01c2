import { open, type FileHandle } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LineIndex } from '../../../../src/sources/files/lineIndex.ts';
import { newLake, type Lake } from './lake.ts';

let lake: Lake;
let handle: FileHandle;
beforeEach(async () => {
  lake = await newLake();
});
afterEach(async () => {
  await handle.close();
  await lake.dispose();
});

const MIB = 1024 * 1024;

/** Counts the bytes read. */
function counting(target: FileHandle) {
  const read = { bytes: 0 };
  const proxy = new Proxy(target, {
    get: (of, property) => {
      if (property !== 'read') {
        const value: unknown = Reflect.get(of, property, of);
        return typeof value === 'function' ? (value.bind(of) as unknown) : value;
      }
      return async (buffer: Buffer, offset: number, length: number, position: number) => {
        const result = await of.read(buffer, offset, length, position);
        read.bytes += result.bytesRead;
        return result;
      };
    },
  });
  return { proxy, read };
}

test('finds lines of a large file in any order, and does not read it from the start each time', async () => {
  const lineBytes = 1_000;
  const lines = 30_000;
  const line = Buffer.alloc(lineBytes, 'x');
  line[lineBytes - 1] = 0x0a;
  await lake.write('big', Buffer.concat(Array.from({ length: lines }, () => line)));
  handle = await open(lake.path('big'), 'r');
  const { proxy, read } = counting(handle);
  const index = new LineIndex();
  for (const wanted of [29_999, 0, 12_345, 1, 20_000, 30_000]) {
    expect(await index.find(proxy, wanted)).toEqual({ line: wanted, byte: wanted * lineBytes, tailBytes: 0 });
  }
  read.bytes = 0;
  await index.find(proxy, 29_000);
  expect(read.bytes).toBeLessThan(13 * MIB);
  read.bytes = 0;
  expect(await index.count(proxy)).toEqual({ line: lines, byte: lines * lineBytes, tailBytes: 0 });
  expect(read.bytes).toBeLessThan(1);
});

test('says how many complete lines there are, and what follows them', async () => {
  await lake.write('a', 'one\n\nthree\ntail');
  handle = await open(lake.path('a'), 'r');
  const index = new LineIndex();
  expect(await index.count(handle)).toEqual({ line: 3, byte: 11, tailBytes: 4 });
  expect(await index.find(handle, 9)).toEqual({ line: 3, byte: 11, tailBytes: 4 });
  await lake.append('a', ' end\nmore\n');
  expect(await index.count(handle)).toEqual({ line: 5, byte: 25, tailBytes: 0 });
  expect(await index.find(handle, 4)).toEqual({ line: 4, byte: 20, tailBytes: 0 });
});

test('an empty file has no line', async () => {
  await lake.write('a', '');
  handle = await open(lake.path('a'), 'r');
  expect(await new LineIndex().count(handle)).toEqual({ line: 0, byte: 0, tailBytes: 0 });
});

test('forgets what it knew of another file, and of one that shrank', async () => {
  await lake.write('a', 'one\ntwo\nthree\n');
  await lake.write('b', '1\n2\n3\n');
  const index = new LineIndex();
  const first = await open(lake.path('a'), 'r');
  await index.count(first);
  await first.close();
  handle = await open(lake.path('b'), 'r');
  expect(await index.find(handle, 2)).toMatchObject({ byte: 4 });
  expect(await index.count(handle)).toMatchObject({ line: 3, byte: 6 });
  await lake.write('b', 'a\nb');
  expect(await index.count(handle)).toEqual({ line: 1, byte: 2, tailBytes: 1 });
});
