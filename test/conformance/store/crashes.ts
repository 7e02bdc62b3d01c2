import { describe, expect, test } from 'vitest';
import type { DurablePart, Store } from '../../../src/stores/port.ts';
import { expectReaders, newTarget, takeOver, Writer } from './scene.ts';
import type { StoreHarness } from './scene.ts';
import type { Current } from './suite.ts';

/** How far a process came before it died, and what its journal knew by then. */
interface Left {
  readonly writer: Writer;
  readonly journaled:
    | { readonly type: 'opened' }
    | { readonly type: 'inProgress'; readonly durable: DurablePart }
    | { readonly type: 'pending'; readonly durable: DurablePart };
}

type Life = (store: Store, harness: StoreHarness) => Promise<Left>;

async function created(store: Store, harness: StoreHarness): Promise<Writer> {
  return Writer.create(store, newTarget(harness));
}

const LIVES: Readonly<Record<string, { life: Life; expected: string | null }>> = {
  'after the file was created': {
    life: async (store, harness) => ({
      writer: await created(store, harness),
      journaled: { type: 'opened' },
    }),
    expected: null,
  },
  'after a write': {
    life: async (store, harness) => ({
      writer: await (await created(store, harness)).write('a\n'),
      journaled: { type: 'opened' },
    }),
    expected: null,
  },
  'after a persist that no checkpoint counts': {
    life: async (store, harness) => {
      const writer = await (await created(store, harness)).write('a\n');
      await writer.persist();
      return { writer, journaled: { type: 'opened' } };
    },
    expected: null,
  },
  'after a checkpoint': {
    life: async (store, harness) => {
      const writer = await (await created(store, harness)).write('a\n');
      return { writer, journaled: { type: 'inProgress', durable: await writer.persist() } };
    },
    expected: 'a\n',
  },
  'between two checkpoints, after the second persist': {
    life: async (store, harness) => {
      const writer = await (await created(store, harness)).write('a\n');
      const durable = await writer.persist();
      await (await writer.write('b\n')).persist();
      return { writer, journaled: { type: 'inProgress', durable } };
    },
    expected: 'a\n',
  },
  'after closing, before the checkpoint counts it': {
    life: async (store, harness) => {
      const writer = await (await created(store, harness)).write('a\n');
      const durable = await writer.persist();
      await (await writer.write('b\n')).closeForCommit();
      return { writer, journaled: { type: 'inProgress', durable } };
    },
    expected: 'a\n',
  },
  'after the checkpoint that made it pending': {
    life: async (store, harness) => {
      const writer = await (await created(store, harness)).write('a\nb\n');
      return { writer, journaled: { type: 'pending', durable: await writer.closeForCommit() } };
    },
    expected: 'a\nb\n',
  },
  'after the commit, before it was journaled': {
    life: async (store, harness) => {
      const writer = await (await created(store, harness)).write('a\nb\n');
      const durable = await writer.closeForCommit();
      await store.commit(writer.target, durable);
      return { writer, journaled: { type: 'pending', durable } };
    },
    expected: 'a\nb\n',
  },
};

/** What the next owner does, from the journal alone. */
async function settle(harness: StoreHarness, { writer, journaled }: Left): Promise<void> {
  const store = harness.newStore();
  if (journaled.type === 'opened') {
    await store.discard([writer.target.temporaryUri], writer.startHandle);
    return;
  }
  if (journaled.type === 'pending') {
    await store.commitAfterRecovery(writer.target, journaled.durable);
    return;
  }
  const taken = await takeOver(store, writer.target, journaled.durable);
  await store.commitAfterRecovery(taken.target, taken.durable);
  if (taken.target.temporaryUri !== writer.target.temporaryUri) {
    await store.discard([writer.target.temporaryUri], journaled.durable.handle);
  }
}

export function describeCrashes(current: Current): void {
  describe('a process that died', () => {
    for (const [when, { life, expected }] of Object.entries(LIVES)) {
      test(`${when}: the next owner settles it, also when it settles twice`, async () => {
        const h = current();
        // Its descriptor is simply dropped: still open while the next owner works.
        const left = await life(h.newStore(), h);
        await settle(h, left);
        if (left.journaled.type !== 'inProgress') await settle(h, left);
        await (expected === null ? expectReaders(h) : expectReaders(h, [left.writer.target, expected]));
        expect(await h.leftovers()).toEqual([]);
        await left.writer.file.abandon();
      });
    }
  });
}
