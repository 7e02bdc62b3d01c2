/** Writing under faults, and what is kept in memory meanwhile. */
import { describe, expect, test } from 'vitest';
import type { StoreHandle } from '../../../../src/stores/port.ts';
import {
  bytesOf,
  expectCode,
  expectLargeFile,
  expectReaders,
  newTarget,
  patternBytes,
  takeOver,
  Writer,
} from '../../../conformance/store/scene.ts';
import { ownPlace } from './ownPlace.ts';

const own = ownPlace();
const KiB = 1024;
const PARTS = { uploadPartBytes: 200 * KiB };

interface Journaled {
  readonly uploadId: string;
  readonly key: string;
  readonly parts: readonly { readonly number: number; readonly length: number }[];
  readonly tail: { readonly uri: string; readonly length: number } | null;
}
const journaledOf = (handle: StoreHandle): Journaled => handle as unknown as Journaled;
const lengthsOf = (handle: StoreHandle): number[] => journaledOf(handle).parts.map(({ length }) => length);
const count = (operation: string): number => own.operations().filter((one) => one === operation).length;

describe('upload parts', () => {
  test('are uploaded as soon as they are whole, and at a checkpoint from 100 KB on', async () => {
    const h = own.harness(PARTS);
    const writer = await Writer.create(h.newStore(), newTarget(h));
    await writer.write(patternBytes(450 * KiB, 1));
    const first = await writer.persist();
    expect(lengthsOf(first.handle)).toEqual([200 * KiB, 200 * KiB]);
    expect(journaledOf(first.handle).tail?.length).toBe(50 * KiB);
    await writer.write(patternBytes(50 * KiB, 2));
    const second = await writer.persist();
    expect(lengthsOf(second.handle)).toEqual([200 * KiB, 200 * KiB, 100 * KiB]);
    expect(journaledOf(second.handle).tail).toBeNull();
    const closed = await (await writer.write('end\n')).closeForCommit();
    expect(lengthsOf(closed.handle)).toEqual([200 * KiB, 200 * KiB, 100 * KiB, 4]);
    await h.newStore().commitAfterRecovery(writer.target, closed);
    await expectLargeFile(h, writer.target, writer.content);
    expect(await h.leftovers()).toEqual([]);
  });

  test('of a file with many are larger at checkpoints: each checkpoint journals all of them', async () => {
    const h = own.harness({ uploadPartBytes: 1024 * KiB });
    const writer = await Writer.create(h.newStore(), newTarget(h));
    let handle: StoreHandle = null;
    for (let checkpoint = 0; checkpoint < 40; checkpoint += 1)
      handle = (await (await writer.write(patternBytes(100 * KiB, checkpoint))).persist()).handle;
    expect(lengthsOf(handle).slice(-4)).toEqual([100 * KiB, 200 * KiB, 200 * KiB, 200 * KiB]);
    await writer.file.abandon();
  });

  test.each([
    { type: 'status', status: 503 },
    { type: 'status', status: 400, code: 'RequestTimeout' },
    { type: 'cutBefore' },
    { type: 'cutAfter' },
    { type: 'wrongCrc' },
  ] as const)('are uploaded again after %j', async (fault) => {
    const h = own.harness(PARTS);
    const store = h.newStore();
    const writer = await Writer.create(store, newTarget(h));
    own.place.server.faults.arm({ ...fault, operation: 'UploadPart', times: 2 });
    await writer.write(patternBytes(300 * KiB, 1));
    await store.commit(writer.target, await writer.closeForCommit());
    expect(count('UploadPart')).toBe(4);
    await expectLargeFile(h, writer.target, writer.content);
  });

  test.each([
    [{ type: 'wrongCrc' }, /CRC-64/],
    [{ type: 'status', status: 500 }, /500 InternalError/],
    [{ type: 'cutBefore' }, /ECONNRESET|EPIPE|socket hang up/],
  ] as const)('that keep failing with %j end the file, not the process', async (fault, told) => {
    const h = own.harness(PARTS);
    const writer = await Writer.create(h.newStore(), newTarget(h));
    own.place.server.faults.arm({ ...fault, operation: 'UploadPart', times: 1e6 });
    await writer.write(patternBytes(150 * KiB, 1));
    const error = await expectCode(writer.persist(), 'STORE_OUTCOME_UNKNOWN');
    expect((error.cause as Error).message).toMatch(told);
    await expectCode(writer.file.write(bytesOf('more')), 'STORE_OUTCOME_UNKNOWN');
    own.place.server.faults.clear();
    await writer.file.abandon();
    await h.newStore().discard([writer.target.temporaryUri], writer.startHandle);
    await expectReaders(h);
    expect(await h.leftovers()).toEqual([]);
  });

  test('of a file that is abandoned are not sent again', async () => {
    const h = own.harness(PARTS);
    const writer = await Writer.create(h.newStore(), newTarget(h));
    own.place.server.faults.arm({ type: 'cutBefore', operation: 'UploadPart', times: 1e6 });
    await writer.write(patternBytes(200 * KiB, 1));
    await writer.file.abandon();
    expect(count('UploadPart')).toBe(1);
  });

  test('never use the number of a settler, and a file with many asks to be closed', async () => {
    const h = own.harness({ uploadPartBytes: 100 * KiB });
    const writer = await Writer.create(h.newStore(), newTarget(h));
    await writer.write('x');
    expect(writer.file.isFull).toBe(false);
    const { PARTS_FULL, PARTS_MAX } = await import('../../../../src/stores/oss/upload.ts');
    expect(PARTS_FULL).toBeLessThan(PARTS_MAX);
    expect(PARTS_MAX + 1).toBeLessThan(10_000);
    await writer.file.abandon();
  });
});

describe('side objects', () => {
  test('of identical bytes that an earlier attempt has put are kept', async () => {
    const h = own.harness(PARTS);
    const writer = await Writer.create(h.newStore(), newTarget(h));
    own.place.server.faults.arm({ type: 'cutAfter', operation: 'PutObject' });
    const durable = await (await writer.write('tail\n')).persist();
    expect(count('PutObject')).toBe(2);
    const taken = await takeOver(h.newStore(), writer.target, durable);
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectReaders(h, [writer.target, 'tail\n']);
  });

  test('that are gone or changed stop the takeover, and name themselves', async () => {
    const h = own.harness(PARTS);
    const writer = await Writer.create(h.newStore(), newTarget(h));
    const durable = await (await writer.write('tail\n')).persist();
    const uri = journaledOf(durable.handle).tail?.uri ?? '';
    await h.put(uri, bytesOf('TAIL\n'));
    const changed = await expectCode(takeOver(h.newStore(), writer.target, durable), 'STORE_CONTENT_DIFFERS');
    expect(changed.message).toContain(uri);
    await h.remove(uri);
    const gone = await expectCode(takeOver(h.newStore(), writer.target, durable), 'STORE_FILE_MISSING');
    expect(gone.message).toContain(uri);
    await writer.file.abandon();
  });
});

describe('memory', () => {
  test('of many small files is small, and all of it is given back', async () => {
    const h = own.harness();
    const store = h.newStore();
    const writers = await Promise.all(Array.from({ length: 50 }, () => Writer.create(store, newTarget(h))));
    await Promise.all(writers.map((writer) => writer.write('a line\n')));
    for (const { file } of writers) expect(file.heldBytes).toBeLessThanOrEqual(8 * KiB);
    await Promise.all(writers.map((writer) => writer.closeForCommit()));
    for (const { file } of writers) expect(file.heldBytes).toBe(0);
    expect(store.excessBytes).toBe(0);
  });

  test('beyond the room is uploaded early, from 100 KB on', async () => {
    const h = own.harness({ uploadPartBytes: 16 * 1024 * KiB });
    const store = h.newStore();
    const writers = await Promise.all(Array.from({ length: 9 }, () => Writer.create(store, newTarget(h))));
    const bytes = patternBytes(8 * 1024 * KiB, 1);
    for (const { file } of writers) await file.write(bytes);
    const held = writers.reduce((sum, { file }) => sum + (file.heldBytes ?? 0), 0);
    expect(held).toBeLessThanOrEqual(64 * 1024 * KiB);
    expect(count('UploadPart')).toBeGreaterThan(0);
    expect(store.excessBytes).toBe(0);
    for (const { file } of writers) await file.abandon();
  });

  test('that nothing can be uploaded of is told to the budget', async () => {
    const h = own.harness({ uploadRoomBytes: 64 * KiB });
    const store = h.newStore();
    const writers = await Promise.all(Array.from({ length: 3 }, () => Writer.create(store, newTarget(h))));
    for (const writer of writers) await writer.write(patternBytes(60 * KiB, 1));
    expect(count('UploadPart')).toBe(0);
    expect(store.excessBytes).toBeGreaterThan(100 * KiB);
    for (const writer of writers) await writer.closeForCommit();
    expect(store.excessBytes).toBe(0);
  });
});
