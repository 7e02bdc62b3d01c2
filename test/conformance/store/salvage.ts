import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { expectCode, expectReaders, newTarget, patternBytes, Writer } from './scene.ts';
import type { Current } from './suite.ts';

export function describeSalvage(current: Current): void {
  describe('keeping bytes of a file that has another name', () => {
    test('copies just them, beside the file, where nobody but its finder looks', async () => {
      const h = current();
      const store = h.newStore();
      if (store.salvage === undefined) return;
      const content = patternBytes(1_500_000, 7);
      const writer = await (await Writer.create(store, newTarget(h))).write(content);
      await store.commit(writer.target, await writer.closeForCommit());
      const bytes = content.subarray(0, 1_200_001);
      const begin = { length: bytes.length, crc64: crc64Of(bytes), handle: null };
      const { finalUri } = writer.target;
      const copyUri = `${finalUri.slice(0, finalUri.lastIndexOf('/'))}/.tidemark-copy`;
      await store.salvage.copy(finalUri, begin, copyUri);
      expect(await store.reading.verify(copyUri, begin)).toEqual({ type: 'same' });
      await expectReaders(h, [writer.target, content]);
      // It is published like any file that its owner closed.
      const target = { ...newTarget(h), temporaryUri: copyUri };
      await store.commitAfterRecovery(target, begin);
      await expectReaders(h, [writer.target, content], [target, bytes]);
    });

    test('refuses to copy onto a name that readers see', async () => {
      const h = current();
      const { salvage } = h.newStore();
      if (salvage === undefined || h.sinkUri.startsWith('sim:')) return;
      await h.put(`${h.sinkUri}/part-a`, Buffer.from('one\n'));
      const begin = { length: 4, crc64: crc64Of(Buffer.from('one\n')), handle: null };
      const copy = salvage.copy(`${h.sinkUri}/part-a`, begin, `${h.sinkUri}/part-b`);
      await expectCode(copy, 'STORE_HANDLE_INVALID');
    });
  });
}
