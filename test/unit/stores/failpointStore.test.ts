import { expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import { journalId } from '../../../journal/ids.ts';
import { FAILPOINTS, type Failpoint, type FailpointSide } from '../../../src/system/failpoints.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';
import { withFailpoints } from '../../../src/stores/failpointStore.ts';
import type { DurablePart, OpenFile, PartTarget, Store } from '../../../src/stores/port.ts';
import { finishWith, resumeWith } from '../../conformance/store/scene.ts';

type StorePoint = Extract<Failpoint, `store.${string}`>;

const target: PartTarget = { partId: '0', finalUri: 'file:///lake/part', temporaryUri: 'file:///lake/.part' };
const durable: DurablePart = { length: 0, crc64: crc64Of(new Uint8Array()), handle: null };
const id = journalId('journal-1');

/** A store that records what reached it; it takes files over as the call needs it. */
function recording(reached: string[], point: StorePoint): Store {
  const effect = <T>(name: string, result: T): Promise<T> => {
    reached.push(name);
    return Promise.resolve(result);
  };
  const file: OpenFile = {
    write: () => effect('write', undefined),
    persist: () => effect('persist', 'persisted'),
    closeForCommit: () => effect('closeForCommit', 'closed'),
    abandon: () => effect('abandon', undefined),
  };
  const store: Store = {
    kind: 'file',
    takeover:
      point === 'store.finish'
        ? { type: 'finish', copies: true, finish: () => effect('finish', durable) }
        : { type: 'resume', resume: () => effect('resume', file) },
    reading: createFileStore().reading,
    scratch: createFileStore().scratch,
    temporaries: createFileStore().temporaries,
    session: () => store,
    create: () => effect('create', file),
    commit: () => effect('commit', undefined),
    commitAfterRecovery: () => effect('commitAfterRecovery', undefined),
    discard: () => effect('discard', undefined),
    claimMarker: () => effect('claimMarker', id),
    readMarker: () => effect('readMarker', id),
    writeWitness: () => effect('writeWitness', undefined),
    listWitnesses: () => effect('listWitnesses', []),
    removeWitnesses: () => effect('removeWitnesses', undefined),
    close: () => effect('close', undefined),
  };
  return store;
}

/** The call of every point; the compiler asks for the one of a new point. */
const CALLS: Readonly<Record<StorePoint, (store: Store) => Promise<unknown>>> = {
  'store.claimMarker': (store) => store.claimMarker('file:///lake', 'clicks', id),
  'store.writeWitness': (store) => store.writeWitness('file:///lake/w', 'one'),
  'store.listWitnesses': (store) => store.listWitnesses('file:///lake/w'),
  'store.removeWitnesses': (store) => store.removeWitnesses('file:///lake/w', ['one']),
  'store.create': (store) => store.create(target),
  'store.write': async (store) => (await store.create(target)).write(new Uint8Array(1)),
  'store.persist': async (store) => (await store.create(target)).persist(),
  'store.closeForCommit': async (store) =>
    (await resumeWith(store, target, durable, 'file:///lake/.new')).closeForCommit(),
  'store.resume': (store) => resumeWith(store, target, durable, 'file:///lake/.new'),
  'store.finish': (store) => finishWith(store, target, durable, 'file:///lake/.new'),
  'store.commit': (store) => store.commit(target, durable),
  'store.commitAfterRecovery': (store) => store.commitAfterRecovery(target, durable),
  'store.discard': (store) => store.discard([target.temporaryUri], null),
};

const points = FAILPOINTS.filter((point): point is StorePoint => point.startsWith('store.'));
const effectOf = (point: StorePoint): string => point.slice('store.'.length);

test('the list names every call, and every call is named', () => {
  expect([...points].sort()).toEqual(Object.keys(CALLS).sort());
});

test.each(points)('%s is passed before and after the call, once each', async (point) => {
  const reached: string[] = [];
  const store = withFailpoints(recording(reached, point), {
    hit: (hit, side) => {
      reached.push(`${hit} ${side}`);
    },
  });
  await CALLS[point](store);
  const own = reached.filter((step) => step === effectOf(point) || step.startsWith(`${point} `));
  expect(own).toEqual([`${point} before`, effectOf(point), `${point} after`]);
});

test.each(points)(
  'a fault before %s keeps the call from being made; one after it comes too late',
  async (point) => {
    const failingAt = (side: FailpointSide) => async (): Promise<string[]> => {
      const reached: string[] = [];
      const store = withFailpoints(recording(reached, point), {
        hit: (hit, at) => {
          if (hit === point && at === side) throw new Error('fault');
        },
      });
      await expect(CALLS[point](store)).rejects.toThrow('fault');
      return reached;
    };
    expect(await failingAt('before')()).not.toContain(effectOf(point));
    expect(await failingAt('after')()).toContain(effectOf(point));
  },
);

test.each(['store.create', 'store.resume'] as const)(
  'a file whose %s was made to fail is let go of',
  async (point) => {
    const reached: string[] = [];
    const store = withFailpoints(recording(reached, point), {
      hit: (hit, side) => {
        if (hit === point && side === 'after') throw new Error('fault');
      },
    });
    await expect(CALLS[point](store)).rejects.toThrow('fault');
    expect(reached).toEqual([effectOf(point), 'abandon']);
  },
);

test('results and the calls without effect pass unchanged', async () => {
  const reached: string[] = [];
  const store = withFailpoints(recording(reached, 'store.finish'), {
    hit: (point) => {
      reached.push(point);
    },
  });
  expect(await finishWith(store, target, durable, 'file:///lake/.new')).toEqual(durable);
  expect(await store.claimMarker('file:///lake', 'clicks', id)).toBe(id);
  const file = await store.create(target);
  expect([await file.persist(), await file.closeForCommit()]).toEqual(['persisted', 'closed']);
  reached.length = 0;
  await file.abandon();
  expect(await store.readMarker('file:///lake', 'clicks')).toBe(id);
  await store.close();
  expect(reached).toEqual(['abandon', 'readMarker', 'close']);
  expect(store).toMatchObject({ kind: 'file', takeover: { type: 'finish', copies: true } });
});
