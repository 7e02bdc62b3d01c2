/** Reading a destination back: files of others count as the store's own. */
import { describe, expect, test } from 'vitest';
import { Crc64, crc64Of } from '../../../kernels/crc64.ts';
import type { StoredFile, StoreReading } from '../../../src/stores/reading.ts';
import { isBeingWritten } from '../../../src/stores/storedContent.ts';
import { bytesOf, expectCode, newTarget, patternBytes, Writer } from './scene.ts';
import type { StoreHarness } from './scene.ts';
import type { Current } from './suite.ts';

const MiB = 1024 * 1024;
const LARGE = patternBytes(3 * MiB + 1, 11);
const factsOf = (bytes: Buffer) => ({ length: bytes.length, crc64: crc64Of(bytes) });
const NONE = factsOf(Buffer.alloc(0));

/** Number of bytes, their checksum, and the largest chunk: the chunks themselves are not kept. */
async function readAll(chunks: AsyncIterable<Uint8Array>) {
  const crc = new Crc64();
  let [length, largest] = [0, 0];
  for await (const chunk of chunks) {
    crc.update(chunk);
    length += chunk.length;
    largest = Math.max(largest, chunk.length);
  }
  return { length, crc64: crc.hex(), largest };
}

async function listAll(reading: StoreReading, folderUri: string): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for await (const files of reading.list(folderUri)) found.push(...files);
  return found.toSorted((one, other) => (one.uri < other.uri ? -1 : 1));
}

/** All that stands at the destination, as eyes other than the store's see it. */
async function everything(h: StoreHarness): Promise<unknown> {
  const readers = [...(await h.readers())].map(([name, bytes]) => [name, crc64Of(bytes)]);
  return [readers.toSorted(), (await h.leftovers()).toSorted()];
}

const hiddenUri = (h: StoreHarness, digit: string): string =>
  `${h.sinkUri}/dt=1/.tidemark-${digit.repeat(32)}`;

export function describeReading(current: Current): void {
  describe('reading back', () => {
    describeContents(current);
    describeVerdicts(current);
    describeTemporaryFiles(current);
  });
  describe('listing', () => {
    describeListing(current);
  });
}

function describeContents(current: Current): void {
  for (const [name, bytes] of [
    ['an empty file', Buffer.alloc(0)],
    ['one byte', bytesOf('x')],
    ['more than one chunk', LARGE],
  ] as const) {
    test(`${name}: all of its bytes, in bounded chunks`, async () => {
      const h = current();
      const uri = `${h.sinkUri}/dt=1/part-a`;
      await h.put(uri, bytes);
      const { reading } = h.newStore();
      const before = await everything(h);
      const { largest, ...facts } = await readAll(reading.read(uri));
      expect(facts).toEqual(factsOf(bytes));
      expect(largest).toBeLessThanOrEqual(MiB);
      let told = 0;
      const verdict = await reading.verify(uri, factsOf(bytes), { onBytes: (count) => (told += count) });
      expect([verdict, told]).toEqual([{ type: 'same' }, bytes.length]);
      expect(await everything(h)).toEqual(before);
    });
  }

  test('no file: nothing to read, and missing', async () => {
    const h = current();
    await h.put(`${h.sinkUri}/dt=1/part-a`, bytesOf('a'));
    const { reading } = h.newStore();
    for (const uri of [`${h.sinkUri}/dt=1/part-b`, `${h.sinkUri}/dt=2/part-a`, `${h.sinkUri}/dt=1`]) {
      await expectCode(readAll(reading.read(uri)), 'STORE_FILE_MISSING');
      expect(await reading.verify(uri, NONE), uri).toEqual({ type: 'missing' });
      expect(await reading.verify(uri, NONE, { prefix: true }), uri).toEqual({ type: 'missing' });
    }
  });

  test.each([
    ['within a chunk', 5, 9],
    ['across chunks', MiB - 3, 2 * MiB + 5],
    ['from a byte to the end', 3 * MiB - 1, LARGE.length],
    ['beyond the end', LARGE.length - 2, LARGE.length + 100],
    ['behind the end', LARGE.length + 1, LARGE.length + 9],
    ['of no byte', 7, 7],
  ])('a range %s: exactly its bytes', async (_, from, to) => {
    const h = current();
    const uri = `${h.sinkUri}/part-a`;
    await h.put(uri, LARGE);
    const { reading } = h.newStore();
    const { largest, ...facts } = await readAll(reading.read(uri, undefined, { from, to }));
    expect(facts).toEqual(factsOf(LARGE.subarray(from, to)));
    expect(largest).toBeLessThanOrEqual(MiB);
    const none = reading.read(`${h.sinkUri}/part-b`, undefined, { from, to });
    await expectCode(readAll(none), 'STORE_FILE_MISSING');
  });

  test('an abort ends it between two chunks', async () => {
    const h = current();
    const uri = `${h.sinkUri}/part-a`;
    await h.put(uri, LARGE);
    const { reading } = h.newStore();
    const reason = new Error('enough');
    const reader = new AbortController();
    let chunks = 0;
    const read = async () => {
      for await (const chunk of reading.read(uri, reader.signal)) {
        chunks += chunk.length > 0 ? 1 : 0;
        reader.abort(reason);
      }
    };
    await expect(read()).rejects.toBe(reason);
    expect(chunks).toBe(1);
    const verifier = new AbortController();
    const options = { signal: verifier.signal, onBytes: () => verifier.abort(reason) };
    await expect(reading.verify(uri, factsOf(LARGE), options)).rejects.toBe(reason);
    // Aborted before: nothing is asked at all.
    await expect(reading.verify(uri, NONE, options)).rejects.toBe(reason);
    await expect(readAll(reading.read(uri, reader.signal))).rejects.toBe(reason);
  });

  test('a reader that stops early may read again', async () => {
    const h = current();
    const uri = `${h.sinkUri}/part-a`;
    await h.put(uri, LARGE);
    const { reading } = h.newStore();
    for await (const chunk of reading.read(uri)) {
      expect(chunk[0]).toBe(LARGE[0]);
      break;
    }
    expect(await readAll(reading.read(uri))).toMatchObject(factsOf(LARGE));
  });
}

function describeVerdicts(current: Current): void {
  test('a file that one byte was changed in has the length and another checksum', async () => {
    const h = current();
    const changed = Buffer.from(LARGE);
    changed[2 * MiB] = (changed[2 * MiB] ?? 0) ^ 1;
    await h.put(`${h.sinkUri}/part-a`, changed);
    const verdict = await h.newStore().reading.verify(`${h.sinkUri}/part-a`, factsOf(LARGE));
    expect(verdict).toEqual({ type: 'differs', ...factsOf(changed) });
  });

  test('a file of another length is not read', async () => {
    const h = current();
    const uri = `${h.sinkUri}/part-a`;
    const shorter = LARGE.subarray(0, LARGE.length - 1);
    await h.put(uri, shorter);
    const { reading } = h.newStore();
    const onBytes = () => expect.fail('it was read');
    const differs = { type: 'differs', length: shorter.length, crc64: null };
    expect(await reading.verify(uri, factsOf(LARGE), { onBytes })).toEqual(differs);
    expect(await reading.verify(uri, factsOf(LARGE), { onBytes, prefix: true })).toEqual(differs);
    expect(await reading.verify(uri, NONE, { onBytes })).toEqual(differs);
    expect(await reading.verify(uri, NONE, { onBytes, prefix: true })).toEqual({ type: 'same' });
  });

  test('of a longer file the beginning may be the same', async () => {
    const h = current();
    const uri = `${h.sinkUri}/part-a`;
    await h.put(uri, LARGE);
    const { reading } = h.newStore();
    const begin = LARGE.subarray(0, MiB + 7);
    let told = 0;
    const options = { prefix: true, onBytes: (count: number) => (told += count) };
    expect(await reading.verify(uri, factsOf(begin), options)).toEqual({ type: 'same' });
    expect(told, 'no more is read than is compared').toBe(begin.length);
    expect(await reading.verify(uri, factsOf(LARGE), options)).toEqual({ type: 'same' });
    const other = { ...factsOf(begin), crc64: crc64Of(bytesOf('other')) };
    expect(await reading.verify(uri, other, options)).toEqual({
      ...{ type: 'differs', length: LARGE.length },
      crc64: crc64Of(begin),
    });
  });
}

function describeTemporaryFiles(current: Current): void {
  test('a closed file is the same under its temporary name, then under its final one', async () => {
    const h = current();
    const store = h.newStore();
    const target = { ...newTarget(h, `${h.sinkUri}/dt=1/part-a`), temporaryUri: hiddenUri(h, 'a') };
    const writer = await (await Writer.create(store, target)).write('one\ntwo\n');
    const durable = await writer.closeForCommit();
    const { reading } = h.newStore();
    const kinds = async () =>
      (await listAll(reading, h.sinkUri)).map(({ kind, uri }) => [kind, uri] as const);
    expect((await kinds()).filter(([kind]) => kind === 'visible')).toEqual([]);
    expect(await reading.verify(target.finalUri, durable)).toEqual({ type: 'missing' });
    if (store.kind !== 'oss') {
      expect(await kinds()).toEqual([['temporary', target.temporaryUri]]);
      expect(await reading.verify(target.temporaryUri, durable)).toEqual({ type: 'same' });
      expect(await readAll(reading.read(target.temporaryUri))).toMatchObject({ length: 8 });
    }
    await store.commit(target, durable);
    expect(await kinds()).toEqual([['visible', target.finalUri]]);
    expect(await reading.verify(target.finalUri, durable)).toEqual({ type: 'same' });
    expect(await reading.verify(target.temporaryUri, durable)).toEqual({ type: 'missing' });
  });

  test('a file in progress is judged by what was made durable, or refused', async () => {
    const h = current();
    const store = h.newStore();
    if (store.kind === 'oss') return;
    const target = { ...newTarget(h, `${h.sinkUri}/dt=1/part-b`), temporaryUri: hiddenUri(h, 'b') };
    const writer = await (await Writer.create(store, target)).write('one\n');
    const durable = await writer.persist();
    await writer.write('two\n');
    const before = await everything(h);
    const verify = h.newStore().reading.verify(target.temporaryUri, durable, { prefix: true });
    const outcome = await verify.catch((error: unknown) => (isBeingWritten(error) ? 'refused' : error));
    expect([{ type: 'same' }, 'refused']).toContainEqual(outcome);
    expect(await everything(h)).toEqual(before);
    // Its writer has not noticed.
    const closed = await (await writer.write('six\n')).closeForCommit();
    await store.commit(target, closed);
    expect(await h.newStore().reading.verify(target.finalUri, closed)).toEqual({ type: 'same' });
  });

  test('a temporary file is found under the name that it has while it is published', async () => {
    const h = current();
    const store = h.newStore();
    if (store.kind !== 'file') return;
    const [temporaryUri, bytes] = [hiddenUri(h, 'c'), bytesOf('one\n')];
    await h.put(`${temporaryUri}.p`, bytes);
    expect(await store.reading.verify(temporaryUri, factsOf(bytes))).toEqual({ type: 'same' });
    expect(await readAll(store.reading.read(temporaryUri))).toMatchObject(factsOf(bytes));
    expect(await listAll(store.reading, h.sinkUri)).toEqual([
      { uri: `${temporaryUri}.p`, length: bytes.length, kind: 'temporary' },
    ]);
  });
}

const MANY_HERE = 1_100;
const MANY = 1_400;

function describeListing(current: Current): void {
  test('names every file once, at any depth, as it is journaled, and no other file', async () => {
    const h = current();
    const store = h.newStore();
    const names = [
      'part-a',
      'dt=1/part b',
      'dt=1/hr=2/ä%2F%20+é',
      'dt=1/hr=2/日本/#?&',
      'dt=1/_x',
      '_y/part-c',
    ];
    for (const name of names) await h.put(`${h.sinkUri}/${name}`, bytesOf(name));
    const temporary = [hiddenUri(h, 'd'), `${hiddenUri(h, 'd')}-kept-1`];
    for (const uri of temporary) await h.put(uri, bytesOf('t'));
    await h.put(`${h.sinkUri}/dt=1/.stranger`, bytesOf('s'));
    await h.put(`${h.sinkUri}-other/part-z`, bytesOf('z'));
    await store.writeWitness(`${h.sinkUri}/.tidemark/_witness/clicks/topic/0`, 'part-w');
    const expected = [
      ...names.map((name) => ({
        ...{ uri: `${h.sinkUri}/${name}`, length: bytesOf(name).length },
        kind: 'visible' as const,
      })),
      ...temporary.map((uri) => ({ uri, length: 1, kind: 'temporary' as const })),
    ].toSorted((one, other) => (one.uri < other.uri ? -1 : 1));
    expect(await listAll(store.reading, h.sinkUri)).toEqual(expected);
    expect(await listAll(store.reading, `${h.sinkUri}/`)).toEqual(expected);
    const below = expected.filter(({ uri }) => uri.startsWith(`${h.sinkUri}/dt=1/hr=2/`));
    expect(await listAll(store.reading, `${h.sinkUri}/dt=1/hr=2`)).toEqual(below);
    for (const name of names)
      expect(await store.reading.verify(`${h.sinkUri}/${name}`, factsOf(bytesOf(name)))).toEqual({
        type: 'same',
      });
  });

  test('a folder that does not exist is empty', async () => {
    const h = current();
    const { reading } = h.newStore();
    expect(await listAll(reading, `${h.sinkUri}/none/at=all`)).toEqual([]);
    await h.put(`${h.sinkUri}/part-a`, bytesOf('a'));
    expect(await listAll(reading, `${h.sinkUri}/part-a`), 'a file is no folder').toEqual([]);
  });

  test('thousands of files come in batches, and an abort ends it between two', async () => {
    const h = current();
    const uris = Array.from({ length: MANY }, (_, index) =>
      index < MANY_HERE
        ? `${h.sinkUri}/dt=1/part-${index}`
        : `${h.sinkUri}/dt=1/hr=${index % 7}/part-${index}`,
    );
    await putAll(h, uris);
    const { reading } = h.newStore();
    const sizes: number[] = [];
    const seen: string[] = [];
    for await (const files of reading.list(h.sinkUri)) {
      sizes.push(files.length);
      seen.push(...files.map(({ uri }) => uri));
    }
    expect(seen.toSorted()).toEqual(uris.toSorted());
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
    const [controller, reason] = [new AbortController(), new Error('enough')];
    let batches = 0;
    const list = async () => {
      for await (const files of reading.list(h.sinkUri, controller.signal)) {
        batches += files.length > 0 ? 1 : 0;
        controller.abort(reason);
      }
    };
    await expect(list()).rejects.toBe(reason);
    expect(batches).toBe(1);
  }, 120_000);

  test('files that are published meanwhile do not disturb it', async () => {
    const h = current();
    const store = h.newStore();
    const old = Array.from({ length: 20 }, (_, index) => `${h.sinkUri}/hr=${index % 5}/old-${index}`);
    await putAll(h, old);
    const published: string[] = [];
    const publish = async (): Promise<void> => {
      const finalUri = `${h.sinkUri}/hr=${published.length % 5}/new-${published.length}`;
      const id = String(published.length).padStart(32, '0');
      const temporaryUri = `${finalUri.slice(0, finalUri.lastIndexOf('/'))}/.tidemark-${id}`;
      const target = { ...newTarget(h, finalUri), temporaryUri };
      const writer = await (await Writer.create(store, target)).write('new\n');
      await store.commit(target, await writer.closeForCommit());
      published.push(finalUri);
    };
    const seen: string[] = [];
    for await (const files of h.newStore().reading.list(h.sinkUri)) {
      const visible = files.filter(({ kind }) => kind === 'visible');
      seen.push(...visible.map(({ uri }) => uri));
      await publish();
    }
    expect(published.length).toBeGreaterThan(0);
    expect(seen.filter((uri) => old.includes(uri)).toSorted()).toEqual(old.toSorted());
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((uri) => !old.includes(uri) && !published.includes(uri))).toEqual([]);
  });
}

/** A few at once: they are many. */
async function putAll(h: StoreHarness, uris: readonly string[]): Promise<void> {
  for (let at = 0; at < uris.length; at += 8)
    await Promise.all(uris.slice(at, at + 8).map((uri) => h.put(uri, bytesOf('x'))));
}
