import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, readdir, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crc64Of } from '../../../../kernels/crc64.ts';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import type { StoredFile, StoreReading } from '../../../../src/stores/reading.ts';
import { impatient } from '../../../conformance/store/localHarness.ts';
import { bytesOf, expectCode, patternBytes } from '../../../conformance/store/scene.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { withLocalStore } from './localStore.ts';
import { failing, tappedFileSystem, type Call, type Tap } from './tappedFileSystem.ts';

let h: StoreHarness;
const closers = withLocalStore((harness) => {
  h = harness;
});

const pathOf = (uri: string): string => uri.slice('file://'.length);
const sink = (): string => pathOf(h.sinkUri);
const factsOf = (bytes: Uint8Array) => ({ length: bytes.length, crc64: crc64Of(bytes) });

function readingWith(tap: Tap): StoreReading {
  const fileSystem = tappedFileSystem(tap);
  closers.push(() => fileSystem.closeAll());
  return createFileStore({ pacer: impatient, fileSystem }).reading;
}

async function listAll(reading: StoreReading): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for await (const files of reading.list(h.sinkUri)) found.push(...files);
  return found.toSorted((one, other) => (one.uri < other.uri ? -1 : 1));
}

const names = (files: readonly StoredFile[]): string[] =>
  files.map(({ uri }) => uri.slice(h.sinkUri.length + 1));

/** Times of change of everything, to the nanosecond. */
async function timesOfChange(): Promise<Record<string, string>> {
  const times: Record<string, string> = {};
  for (const name of ['', ...(await readdir(sink(), { recursive: true }))].sort()) {
    const { mtimeNs, ctimeNs, ino } = await stat(join(sink(), name), { bigint: true });
    times[name] = `${ino} ${mtimeNs} ${ctimeNs}`;
  }
  return times;
}

test('nothing is opened for writing, nothing stays open, and nothing changes', async () => {
  const bytes = patternBytes(2_500_000, 3);
  const uri = `${h.sinkUri}/dt=1/part-a`;
  await h.put(uri, bytes);
  await h.put(`${h.sinkUri}/dt=1/.tidemark-1.p`, bytesOf('t'));
  const calls: Call[] = [];
  const reading = readingWith({ before: (call) => void calls.push(call) });
  const before = await timesOfChange();
  expect(await listAll(reading)).toHaveLength(2);
  expect(await reading.verify(uri, factsOf(bytes))).toEqual({ type: 'same' });
  expect(await reading.verify(`${h.sinkUri}/dt=1/.tidemark-1`, factsOf(bytesOf('t')))).toEqual({
    type: 'same',
  });
  for await (const chunk of reading.read(uri)) if (chunk.length > 0) break;
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(reading.verify(uri, factsOf(bytes), { signal: aborted })).rejects.toThrow('enough');
  expect(await timesOfChange()).toEqual(before);
  const made = calls.map(({ name }) => name);
  expect(new Set(made)).toEqual(
    new Set(['open', 'opendir', 'stat', 'handle.stat', 'handle.read', 'handle.close']),
  );
  const opened = calls.filter(({ name }) => name === 'open');
  const writing = constants.O_WRONLY | constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
  for (const { args } of opened) expect(Number(args[1]) & writing).toBe(0);
  // The one that failed had no descriptor.
  expect(made.filter((name) => name === 'handle.close')).toHaveLength(opened.length - 1);
});

test('a folder, or a file, that cannot be looked at is named, and never left out in silence', async () => {
  await h.put(`${h.sinkUri}/dt=1/part-a`, bytesOf('a'));
  await h.put(`${h.sinkUri}/dt=2/part-b`, bytesOf('b'));
  for (const refused of ['opendir', 'stat']) {
    for (const name of refused === 'opendir' ? ['dt=2'] : ['dt=2', 'dt=2/part-b']) {
      const path = join(sink(), name);
      const isRefused = (call: Call): boolean => call.name === refused && call.paths[0] === path;
      const error = await expectCode(listAll(readingWith(failing(isRefused, 'EACCES'))), 'STORE_UNAVAILABLE');
      expect(error.affected.files).toEqual([path]);
    }
  }
});

test('a disk that fails while it reads is not taken for a file that differs', async () => {
  const uri = `${h.sinkUri}/part-a`;
  await h.put(uri, bytesOf('a'));
  for (const point of ['open', 'handle.stat', 'handle.read']) {
    const reading = readingWith(failing(({ name }) => name === point, 'EIO'));
    await expectCode(reading.verify(uri, factsOf(bytesOf('a'))), 'STORE_UNAVAILABLE');
  }
});

test('what is gone when it is looked at is left out', async () => {
  await h.put(`${h.sinkUri}/dt=1/part-a`, bytesOf('a'));
  await h.put(`${h.sinkUri}/dt=1/part-b`, bytesOf('b'));
  const gone = join(sink(), 'dt=1/part-a');
  const before = async ({ name, paths }: Call) => {
    if (name === 'stat' && paths[0] === gone) await unlink(gone);
  };
  expect(names(await listAll(readingWith({ before })))).toEqual(['dt=1/part-b']);
});

test('a file that becomes shorter while it is read differs', async () => {
  const bytes = patternBytes(2_500_000, 3);
  const uri = `${h.sinkUri}/part-a`;
  await h.put(uri, bytes);
  let reads = 0;
  const before = async ({ name }: Call) => {
    if (name !== 'handle.read') return;
    reads += 1;
    if (reads === 2) await truncate(pathOf(uri), 1024 * 1024);
  };
  expect(await readingWith({ before }).verify(uri, factsOf(bytes))).toEqual({
    ...{ type: 'differs', length: 1024 * 1024, crc64: null },
  });
});

test('links count as what they lead to, and lead nowhere twice', async () => {
  const { reading } = createFileStore();
  await h.put(`${h.sinkUri}/dt=1/part-a`, bytesOf('abc'));
  const elsewhere = join(sink(), '..', 'elsewhere');
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'part-e'), 'e');
  await symlink(elsewhere, join(sink(), 'dt=2'));
  await symlink(join(sink(), 'dt=1/part-a'), join(sink(), 'part-l'));
  await symlink(sink(), join(sink(), 'dt=1/above'));
  await symlink('nowhere', join(sink(), 'part-n'));
  await symlink('part-s', join(sink(), 'part-s'));
  const found = await listAll(reading);
  expect(names(found)).toEqual(['dt=1/part-a', 'dt=2/part-e', 'part-l']);
  expect(found.map(({ length }) => length)).toEqual([3, 1, 3]);
});

test('a named pipe is no file, and nobody waits for its writer', async () => {
  const { reading } = createFileStore();
  const uri = `${h.sinkUri}/part-a`;
  execFileSync('mkfifo', [pathOf(uri)]);
  expect(await listAll(reading)).toEqual([]);
  expect(await reading.verify(uri, factsOf(bytesOf('')))).toEqual({ type: 'missing' });
});

test('a name that is no UTF-8 is told: it can be listed by nobody', async () => {
  await writeFile(Buffer.concat([Buffer.from(`${sink()}/part-`), Buffer.from([0xe4])]), 'latin1');
  const error = await expectCode(listAll(createFileStore().reading), 'STORE_UNAVAILABLE');
  expect(error.affected.files).toEqual([`${sink()}/part-\uFFFD`]);
});

test('a URI of another store is refused when it is asked for, not before', async () => {
  const { reading } = createFileStore();
  for (const uri of ['oss://lake/part', 'file://host/part', 'part']) {
    const batches = reading.list(uri)[Symbol.asyncIterator]();
    await expectCode(batches.next(), 'STORE_HANDLE_INVALID');
    await expectCode(reading.verify(uri, factsOf(bytesOf(''))), 'STORE_HANDLE_INVALID');
  }
});
