import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import type { Salvage, Store } from '../../../src/stores/port.ts';
import { bytesOf, expectReaders, newTarget, patternBytes, Writer } from './scene.ts';
import type { Current } from './suite.ts';

/** Null where the store has none. */
function salvageOf(store: Store): Salvage | null {
  return store.salvage ?? null;
}

const durableOf = (bytes: Buffer) => ({ length: bytes.length, crc64: crc64Of(bytes), handle: null });

export function describeSalvage(current: Current): void {
  describe('looking for the bytes of files under other names', () => {
    test('tells whether a published file begins with them, and what it holds in all', async () => {
      const h = current();
      const store = h.newStore();
      const salvage = salvageOf(store);
      if (salvage === null) return;
      const writer = await (await Writer.create(store, newTarget(h))).write('one\ntwo\n');
      const whole = await writer.closeForCommit();
      await store.commit(writer.target, whole);
      const { finalUri } = writer.target;
      const facts = { length: 8, crc64: whole.crc64 };
      expect(await salvage.compare(finalUri, durableOf(bytesOf('one\n')))).toEqual({ holds: true, ...facts });
      expect(await salvage.compare(finalUri, whole)).toEqual({ holds: true, ...facts });
      expect(await salvage.compare(finalUri, durableOf(bytesOf('two\n')))).toEqual({
        holds: false,
        ...facts,
      });
      expect(await salvage.compare(finalUri, durableOf(bytesOf('one\ntwo\nsix\n')))).toEqual({
        holds: false,
        ...facts,
      });
      expect(await salvage.compare(`${finalUri}-none`, whole)).toBeNull();
      expect([await salvage.stands(finalUri), await salvage.stands(`${finalUri}-none`)]).toEqual([
        true,
        false,
      ]);
    });

    test('copies just them, beside the file, where nobody but its finder looks', async () => {
      const h = current();
      const store = h.newStore();
      const salvage = salvageOf(store);
      if (salvage === null) return;
      const content = patternBytes(1_500_000, 7);
      const writer = await (await Writer.create(store, newTarget(h))).write(content);
      await store.commit(writer.target, await writer.closeForCommit());
      const begin = durableOf(content.subarray(0, 1_200_001));
      const folder = writer.target.finalUri.slice(0, writer.target.finalUri.lastIndexOf('/'));
      const copyUri = `${folder}/.tidemark-copy`;
      await salvage.copy(writer.target.finalUri, begin, copyUri);
      const { length, crc64 } = begin;
      expect(await salvage.compare(copyUri, begin)).toEqual({ holds: true, length, crc64 });
      expect(await salvage.hidden(folder)).toEqual([copyUri]);
      await expectReaders(h, [writer.target, content]);
      // It is published like any file that its owner closed.
      const target = { ...newTarget(h), temporaryUri: copyUri };
      await store.commitAfterRecovery(target, begin);
      await expectReaders(h, [writer.target, content], [target, content.subarray(0, 1_200_001)]);
    });

    test('lists what readers see by its name, at any depth, and nothing of the journal', async () => {
      const h = current();
      const store = h.newStore();
      const salvage = salvageOf(store);
      if (salvage === null) return;
      await h.put(`${h.sinkUri}/part-a`, bytesOf('a'));
      await h.put(`${h.sinkUri}/dt=1/hr=2/part-b`, bytesOf('b'));
      await h.put(`${h.sinkUri}/dt=1/other`, bytesOf('c'));
      await store.writeWitness(`${h.sinkUri}/.tidemark/_witness/clicks/topic/0`, 'part-w');
      const found = await salvage.list(h.sinkUri, (name) => name.startsWith('part-'));
      expect([...found].sort()).toEqual([`${h.sinkUri}/dt=1/hr=2/part-b`, `${h.sinkUri}/part-a`]);
      expect(await salvage.list(`${h.sinkUri}/none`, () => true)).toEqual([]);
      expect(await salvage.hidden(`${h.sinkUri}/none`)).toEqual([]);
    });
  });
}
