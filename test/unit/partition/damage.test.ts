/** Which files count as damaged, by what is at the destination. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rowsUri } from '../../../actors/naming.ts';
import type { PartFileStatus, PartitionLedger } from '../../../actors/ledger.ts';
import { crc64Of } from '../../../kernels/crc64.ts';
import { findDamage } from '../../../src/partition/damage.ts';
import { StoreFailure } from '../../../src/stores/failure.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';
import type { Store } from '../../../src/stores/port.ts';
import { beingWritten } from '../../../src/stores/storedContent.ts';
import type { Clock } from '../../../src/system/clock.ts';
import { rowsHandle } from '../../../src/writing/rowsHandle.ts';

const DURABLE = Buffer.from('one\ntwo\n');
const LONGER = Buffer.from('one\ntwo\nthree\n');
const OTHER = Buffer.from('one\nsix\n');
const ROWS = Buffer.from('rows');

interface Looked {
  readonly status: PartFileStatus;
  readonly files: Readonly<Record<string, Buffer>>;
  readonly hasRows?: boolean;
  readonly store?: (real: Store) => Partial<Store>;
  /** Called at each pause between two looks. */
  readonly meanwhile?: (put: (name: string, bytes: Buffer) => void) => void;
}

/** What one file is found to be; `.hidden` is its temporary name, `.moved` the one that it is moved to. */
async function look({ status, files, hasRows = false, store, meanwhile }: Looked) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-damage-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const put = (name: string, bytes: Buffer): void => writeFileSync(path.join(folder, name), bytes);
  for (const [name, bytes] of Object.entries(files)) put(name, bytes);
  const uri = (name: string): string => pathToFileURL(path.join(folder, name)).href;
  const rows = { length: ROWS.length, crc64: crc64Of(ROWS) };
  const durable = {
    ...{ length: DURABLE.length, crc64: crc64Of(DURABLE), handle: hasRows ? rowsHandle(null, rows) : null },
    ...{ records: 2, firstOffset: 0n, lastOffset: 1n },
  };
  const names = { finalUri: uri('part'), temporaryUri: uri('.hidden'), copyUri: uri('.moved') };
  const context = { partId: 'a', ...names, staleUris: [uri('.stale')], durable };
  const real = createFileStore();
  let pauses = 0;
  const clock = {
    pause: async () => {
      pauses += 1;
      meanwhile?.(put);
      await Promise.resolve();
    },
  };
  const { damaged, gone, foreign } = await findDamage(
    { reading: real.reading, takeover: real.takeover, ...store?.(real) } as unknown as Store,
    clock as unknown as Clock,
    { parts: () => [{ status, context }] } as unknown as PartitionLedger,
  );
  const found = foreign.length > 0 ? 'foreign' : gone.length > 0 ? 'gone' : 'damaged';
  return { state: damaged.length + foreign.length === 0 ? 'whole' : found, pauses };
}

const rowsName = path.basename(rowsUri('file:///x/.hidden'));
/** Its takeover moves files. */
const moving = (): Partial<Store> => ({ takeover: { type: 'resume' } as unknown as Store['takeover'] });

describe('a file in progress', () => {
  const status = 'inProgress';
  it('is whole if its temporary name begins with its durable bytes', async () => {
    expect(await look({ status, files: { '.hidden': DURABLE } })).toEqual({ state: 'whole', pauses: 0 });
    expect(await look({ status, files: { '.hidden': LONGER } })).toMatchObject({ state: 'whole' });
  });

  it('is damaged if it is gone, shorter, or another one, at each of five looks', async () => {
    for (const files of [{}, { '.hidden': DURABLE.subarray(1) }, { '.hidden': OTHER }])
      expect(await look({ status, files })).toEqual({ state: 'damaged', pauses: 4 });
  });

  it('is whole under any of its names where the store moves it, else under the last one alone', async () => {
    for (const name of ['.moved', '.stale']) {
      const files = { [name]: DURABLE };
      expect(await look({ status, files, store: moving })).toMatchObject({ state: 'whole' });
      expect(await look({ status, files })).toMatchObject({ state: 'damaged' });
    }
  });

  it('is damaged without its rows file', async () => {
    const files = { '.hidden': DURABLE };
    expect(await look({ status, files, hasRows: true })).toMatchObject({ state: 'damaged' });
    const both = { ...files, [rowsName]: ROWS };
    expect(await look({ status, files: both, hasRows: true })).toMatchObject({ state: 'whole' });
  });

  it('is whole if it appears before the last look', async () => {
    const meanwhile: Looked['meanwhile'] = (put) => put('.hidden', DURABLE);
    expect(await look({ status, files: {}, meanwhile })).toEqual({ state: 'whole', pauses: 1 });
  });
});

describe('a closed file', () => {
  const status = 'pending';
  it('is whole under its temporary or its final name', async () => {
    for (const name of ['.hidden', 'part'])
      expect(await look({ status, files: { [name]: DURABLE } })).toEqual({ state: 'whole', pauses: 0 });
  });

  it('is damaged if its temporary bytes are others, also if there are more of them', async () => {
    for (const bytes of [OTHER, LONGER])
      expect(await look({ status, files: { '.hidden': bytes } })).toMatchObject({ state: 'damaged' });
  });

  it('is gone if no name holds anything: under a former one, nobody publishes it', async () => {
    expect(await look({ status, files: {} })).toEqual({ state: 'gone', pauses: 4 });
    const files = { '.stale': DURABLE };
    expect(await look({ status, files, store: moving })).toMatchObject({ state: 'gone' });
  });

  it('is foreign if other bytes are at its final name', async () => {
    for (const files of [{ part: OTHER }, { part: LONGER, '.hidden': OTHER }])
      expect(await look({ status, files })).toMatchObject({ state: 'foreign' });
  });
});

describe('a destination that', () => {
  const reading = (real: Store, error: Error): Partial<Store> => ({
    reading: { ...real.reading, verify: () => Promise.reject(error) },
  });

  it('lets nobody read what is being written says nothing against the file', async () => {
    const store = (real: Store) => reading(real, beingWritten('file:///x', null));
    expect(await look({ status: 'inProgress', files: {}, store })).toMatchObject({ state: 'whole' });
  });

  it('does not answer is no answer', async () => {
    const error = new StoreFailure('unavailable', 'It is away.');
    const looking = look({ status: 'pending', files: {}, store: (real) => reading(real, error) });
    await expect(looking).rejects.toBe(error);
  });

  it('has a look of its own at unpublished files is asked by that', async () => {
    const unpublished = { verify: () => Promise.resolve({ type: 'same' } as const) };
    const store = (): Partial<Store> => ({ unpublished });
    expect(await look({ status: 'pending', files: {}, store })).toMatchObject({ state: 'whole' });
  });
});

it('a file that no checkpoint names is not looked at', async () => {
  for (const status of ['open', 'discarding'] as const)
    expect(await look({ status, files: {} })).toEqual({ state: 'whole', pauses: 0 });
});
