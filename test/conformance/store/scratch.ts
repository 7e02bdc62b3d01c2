import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import {
  bytesOf,
  expectCode,
  expectReaders,
  finishWith,
  nameForTakeover,
  newTarget,
  outcomeOf,
  patternBytes,
  Writer,
} from './scene.ts';
import type { Store } from '../../../src/stores/port.ts';
import type { StoreHarness, StoreUnderTest } from './scene.ts';
import type { Current } from './suite.ts';

/** As src/formats/rows.ts names it, beside a part file. */
function newScratchUri(h: StoreHarness): string {
  const { temporaryUri } = newTarget(h);
  const at = temporaryUri.lastIndexOf('/') + 1;
  return `${temporaryUri.slice(0, at)}.tidemark-rows-${temporaryUri.slice(at + 1)}`;
}

/** All of what a store gives. */
async function readAll(store: Store, uri: string, durable: ReturnType<typeof factsOf>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await store.scratch.read(uri, durable, (chunk) => chunks.push(Buffer.from(chunk)));
  return Buffer.concat(chunks);
}

const factsOf = (bytes: Buffer) => ({ length: bytes.length, crc64: crc64Of(bytes) });

export function describeScratch(current: Current, under: StoreUnderTest): void {
  describe('a scratch file beside a part file', () => {
    test('a later process reads what was durable, whatever was written after it', async () => {
      const h = current();
      const uri = newScratchUri(h);
      const file = await h.newStore().scratch.create(uri);
      await file.write(bytesOf('one\n'));
      expect(await file.persist()).toBeNull();
      await file.write(bytesOf('two\n'));
      expect(await file.persist()).toBeNull();
      await outcomeOf(file.write(bytesOf('three\n')));
      for (const text of ['', 'one\n', 'one\ntwo\n']) {
        const read = await readAll(h.newStore(), uri, factsOf(bytesOf(text)));
        expect(read.toString()).toBe(text);
      }
      await outcomeOf(file.abandon());
      await expectReaders(h);
      await h.newStore().discard([uri], null);
      expect(await h.leftovers()).toEqual([]);
    });

    test('a large one', async () => {
      const h = current();
      const uri = newScratchUri(h);
      const file = await h.newStore().scratch.create(uri);
      const bytes = patternBytes(under.largeBytes, 5);
      await file.write(Buffer.from(bytes));
      await file.persist();
      expect((await readAll(h.newStore(), uri, factsOf(bytes))).equals(bytes)).toBe(true);
      await file.abandon();
    });

    test('its writer that continues after it was read, and discarded, leaves nothing', async () => {
      const h = current();
      const uri = newScratchUri(h);
      const zombie = await h.newStore().scratch.create(uri);
      await zombie.write(bytesOf('durable\n'));
      await zombie.persist();
      const own = h.newStore();
      await readAll(own, uri, factsOf(bytesOf('durable\n')));
      await own.discard([uri], null);
      await outcomeOf(zombie.write(bytesOf('more\n')));
      await outcomeOf(zombie.persist());
      await zombie.abandon();
      expect(await h.leftovers()).toEqual([]);
    });

    test('it is created only if there is none', async () => {
      const h = current();
      const uri = newScratchUri(h);
      await (await h.newStore().scratch.create(uri)).abandon();
      await expectCode(h.newStore().scratch.create(uri), 'STORE_EXISTS');
    });

    test('one that is gone, too short or changed is reported', async () => {
      const h = current();
      const uri = newScratchUri(h);
      const store = h.newStore();
      await expectCode(readAll(store, uri, factsOf(bytesOf('x'))), 'STORE_FILE_MISSING');
      const file = await store.scratch.create(uri);
      await file.write(bytesOf('some\n'));
      await file.persist();
      await file.abandon();
      const other = h.newStore();
      await expectCode(readAll(other, uri, factsOf(bytesOf('some\nmore\n'))), 'STORE_CONTENT_DIFFERS');
      await expectCode(readAll(other, uri, factsOf(bytesOf('same\n'))), 'STORE_CONTENT_DIFFERS');
    });
  });

  describe('the tail of a file that is finished', () => {
    test.for(['', 'durable\n', 'long'])('after %j', async (begin) => {
      const h = current();
      const store = h.newStore();
      if (store.takeover.type !== 'finish') return;
      const dead = await Writer.create(store, newTarget(h));
      await dead.write(begin === 'long' ? patternBytes(under.largeBytes, 7) : begin);
      const durable = await dead.persist();
      const kept = dead.content;
      await outcomeOf(dead.write('lost\n'));
      const toUri = nameForTakeover(store, dead.target);
      const tail = bytesOf('and the end\n');
      const finished = await finishWith(h.newStore(), dead.target, durable, toUri, tail);
      const whole = Buffer.concat([kept, tail]);
      expect({ length: finished.length, crc64: finished.crc64 }).toEqual(factsOf(whole));
      await h.newStore().commitAfterRecovery({ ...dead.target, temporaryUri: toUri }, finished);
      if (toUri !== dead.target.temporaryUri) await store.discard([dead.target.temporaryUri], durable.handle);
      const [published] = [...(await h.readers()).values()];
      expect(published?.equals(whole)).toBe(true);
      expect(await h.leftovers()).toEqual([]);
      await dead.file.abandon();
    });
  });
}
