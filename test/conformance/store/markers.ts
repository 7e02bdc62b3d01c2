import { describe, expect, test } from 'vitest';
import { journalId } from '../../../journal/ids.ts';
import { expectReaders } from './scene.ts';
import type { Current } from './suite.ts';

const ids = Array.from({ length: 8 }, (_, index) => journalId(`journal-${String(index).padStart(8, '0')}`));
const [first, second] = ids as [(typeof ids)[number], (typeof ids)[number]];

export function describeMarkers(current: Current): void {
  describe('the marker of the journal', () => {
    test('does not stand before somebody claims it', async () => {
      const h = current();
      expect(await h.newStore().readMarker(h.sinkUri, 'clicks')).toBeNull();
    });

    test('binds the destination to the first journal, for good and for every process', async () => {
      const h = current();
      expect(await h.newStore().claimMarker(h.sinkUri, 'clicks', first)).toBe(first);
      expect(await h.newStore().claimMarker(h.sinkUri, 'clicks', second)).toBe(first);
      expect(await h.newStore().claimMarker(h.sinkUri, 'clicks', first)).toBe(first);
      expect(await h.newStore().readMarker(h.sinkUri, 'clicks')).toBe(first);
    });

    test('is one for each job', async () => {
      const h = current();
      const store = h.newStore();
      await store.claimMarker(h.sinkUri, 'clicks', first);
      expect(await store.readMarker(h.sinkUri, 'orders')).toBeNull();
      expect(await store.claimMarker(h.sinkUri, 'orders', second)).toBe(second);
      expect(await store.readMarker(h.sinkUri, 'clicks')).toBe(first);
    });

    test('goes to exactly one of many that claim it at once', async () => {
      const h = current();
      for (let round = 0; round < 10; round += 1) {
        const answers = await Promise.all(
          ids.map((id) => h.newStore().claimMarker(h.sinkUri, `job-${round}`, id)),
        );
        expect(new Set(answers).size).toBe(1);
        expect(await h.newStore().readMarker(h.sinkUri, `job-${round}`)).toBe(answers[0]);
      }
      expect(await h.leftovers()).toEqual([]);
    });

    test('is nothing that a reader sees', async () => {
      const h = current();
      await h.newStore().claimMarker(h.sinkUri, 'clicks', first);
      await expectReaders(h);
      expect(await h.leftovers()).toEqual([]);
    });
  });
}
