/**
 * Every system call of the file store is a place to die, before it and after it. What the next owner does
 * follows from the journal alone; afterwards readers must see what was journaled, once, and nothing may be
 * left over.
 */
import { describe, expect, test } from 'vitest';
import { journalId } from '../../../../journal/ids.ts';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import type { DurablePart, PartTarget, Store } from '../../../../src/stores/port.ts';
import { impatient } from '../../../conformance/store/localHarness.ts';
import { expectReaders, finishWith, newTarget, Writer } from '../../../conformance/store/scene.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { withLocalStore } from './localStore.ts';
import { tappedFileSystem } from './tappedFileSystem.ts';

/** What the journal holds of one part. */
interface Facts {
  readonly names: string[];
  target: PartTarget;
  state: 'opened' | 'inProgress' | 'pending' | 'committed';
  durable: DurablePart | null;
  content: string;
}

type Process = (store: Store, facts: Facts) => Promise<void>;

const fresh = (): Store => createFileStore({ pacer: impatient });

/** opened, one checkpoint, one more write, closed at the second checkpoint, committed. */
const writeAndCommit: Process = async (store, facts) => {
  const writer = await Writer.create(store, facts.target);
  await writer.write('one\n');
  const first = await writer.persist();
  Object.assign(facts, { state: 'inProgress', durable: first, content: 'one\n' });
  await writer.write('two\n');
  const second = await writer.closeForCommit();
  Object.assign(facts, { state: 'pending', durable: second, content: 'one\ntwo\n' });
  await store.commit(facts.target, second);
  facts.state = 'committed';
};

/**
 * What every owner does first: it moves what is in progress, publishes what is pending, discards the other
 * names.
 */
const settle: Process = async (store, facts) => {
  if (facts.state === 'inProgress' && facts.durable !== null) {
    const temporaryUri = `${facts.target.temporaryUri}.${facts.names.length}`;
    facts.names.push(temporaryUri); // partMoved
    const durable = await finishWith(store, facts.target, facts.durable, temporaryUri);
    Object.assign(facts, { target: { ...facts.target, temporaryUri }, durable });
    facts.state = 'pending';
  }
  if (facts.state === 'pending' && facts.durable !== null) {
    await store.commitAfterRecovery(facts.target, facts.durable);
    facts.state = 'committed';
  }
  await store.discard(facts.names, null);
};

/** Runs a process whose calls are counted; it dies at call `dieAt`, before or after it took effect. */
async function run(process: Process, facts: Facts, dieAt: number, side: 'before' | 'after') {
  let calls = 0;
  let died: (() => void) | undefined;
  const death = new Promise<'died'>((resolve) => {
    died = () => {
      resolve('died');
    };
  });
  const forever = new Promise<never>(() => undefined);
  const fileSystem = tappedFileSystem({
    before: () => {
      calls += 1;
      if (side !== 'before' || calls < dieAt) return;
      died?.();
      return forever;
    },
    after: () => {
      if (side !== 'after' || calls < dieAt) return;
      died?.();
      return forever;
    },
  });
  const finished = process(createFileStore({ pacer: impatient, fileSystem }), facts).then(
    () => 'done' as const,
  );
  const end = await Promise.race([finished, death]);
  return { end, calls, close: () => fileSystem.closeAll() };
}

let h: StoreHarness;
const closers = withLocalStore((harness) => {
  h = harness;
});

function newFacts(): Facts {
  const target = newTarget(h);
  return { names: [target.temporaryUri], target, state: 'opened', durable: null, content: '' };
}

async function expectSettled(facts: Facts): Promise<void> {
  if (facts.state === 'opened') await expectReaders(h);
  else await expectReaders(h, [facts.target, facts.content]);
  expect(await h.leftovers()).toEqual([]);
}

/** Dies at every call in turn; returns how many there are. */
async function sweep(prepare: () => Promise<Facts>, process: Process, side: 'before' | 'after') {
  for (let dieAt = 1; ; dieAt += 1) {
    const facts = await prepare();
    const { end, close } = await run(process, facts, dieAt, side);
    closers.push(close);
    if (end === 'done') return dieAt - 1;
    await settle(fresh(), facts);
    await settle(fresh(), facts);
    await expectSettled(facts);
    if (facts.state === 'committed') await h.remove(facts.target.finalUri);
  }
}

describe.each(['before', 'after'] as const)('a crash %s any system call', (side) => {
  test('of writing, persisting, closing and committing', async () => {
    expect(await sweep(() => Promise.resolve(newFacts()), writeAndCommit, side)).toBeGreaterThan(15);
  });

  test('of taking over and publishing, with the earlier owner still holding the file open', async () => {
    const prepare = async (): Promise<Facts> => {
      const facts = newFacts();
      const zombie = await Writer.create(fresh(), facts.target);
      const durable = await (await zombie.write('one\n')).persist();
      Object.assign(facts, { state: 'inProgress', durable, content: 'one\n' });
      await zombie.write('zombie\n');
      closers.push(() => zombie.file.abandon());
      return facts;
    };
    expect(await sweep(prepare, settle, side)).toBeGreaterThan(20);
  });

  test('of publishing what an earlier owner closed', async () => {
    const prepare = async (): Promise<Facts> => {
      const facts = newFacts();
      const writer = await Writer.create(fresh(), facts.target);
      const durable = await (await writer.write('one\n')).closeForCommit();
      return Object.assign(facts, { state: 'pending' as const, durable, content: 'one\n' });
    };
    expect(await sweep(prepare, settle, side)).toBeGreaterThan(10);
  });

  test('of claiming the marker: afterwards exactly one journal has it', async () => {
    const [first, second] = [journalId('journal-1'), journalId('journal-2')];
    for (let dieAt = 1; ; dieAt += 1) {
      const job = `job-${dieAt}`;
      const claim: Process = async (store) => {
        await store.claimMarker(h.sinkUri, job, first);
      };
      const { end, close } = await run(claim, newFacts(), dieAt, side);
      closers.push(close);
      const winner = await fresh().claimMarker(h.sinkUri, job, second);
      expect(await fresh().claimMarker(h.sinkUri, job, first)).toBe(winner);
      expect(await h.leftovers()).toEqual([]);
      if (end === 'done') {
        expect(winner).toBe(first);
        expect(dieAt).toBeGreaterThan(10);
        return;
      }
    }
  });
});
