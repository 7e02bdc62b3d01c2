/** Publishing under faults: what the service answers, and what becomes of the file. */
import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../../../kernels/crc64.ts';
import type { DurablePart } from '../../../../src/stores/port.ts';
import {
  bytesOf,
  expectCode,
  expectReaders,
  finishWith,
  newTarget,
  outcomeOf,
  patternBytes,
  readerName,
  Writer,
  type StoreHarness,
} from '../../../conformance/store/scene.ts';
import { ownPlace } from './ownPlace.ts';

const own = ownPlace();
const KiB = 1024;
const PART = patternBytes(150 * KiB, 3);

async function closed(h: StoreHarness, content: Buffer | string = 'data\n') {
  const store = h.newStore();
  const writer = await (await Writer.create(store, newTarget(h))).write(content);
  return { store, writer, target: writer.target, durable: await writer.closeForCommit() };
}

const count = (operation: string): number => own.operations().filter((one) => one === operation).length;

describe('a completion', () => {
  test('of a file that this process closed is one request', async () => {
    const { store, target, durable } = await closed(own.harness());
    own.place.server.calls.length = 0;
    await store.commit(target, durable);
    expect(own.operations()).toEqual(['CompleteMultipartUpload']);
  });

  test.each(['commit', 'commitAfterRecovery'] as const)(
    'whose reply is lost is found by the object: %s',
    async (publish) => {
      const h = own.harness();
      const { store, target, durable, writer } = await closed(h, PART);
      own.place.server.faults.arm({ type: 'cutAfter', operation: 'CompleteMultipartUpload' });
      await store[publish](target, durable);
      await expectReaders(h, [target, writer.content]);
      expect(count('CompleteMultipartUpload')).toBe(1);
      expect(count('HeadObject')).toBeGreaterThan(0);
      expect(await h.leftovers()).toEqual([]);
    },
  );

  test.each([
    { type: 'cutBefore' },
    { type: 'status', status: 503, code: 'SlowDown' },
    { type: 'status', status: 500 },
  ] as const)('that fails with %j is asked for again', async (fault) => {
    const h = own.harness();
    const { store, target, durable } = await closed(h);
    own.place.server.faults.arm({ ...fault, operation: 'CompleteMultipartUpload', times: 3 });
    await store.commit(target, durable);
    await expectReaders(h, [target, 'data\n']);
    expect(await h.leftovers()).toEqual([]);
  });

  test('that never succeeds ends, with the file where it was', async () => {
    const h = own.harness();
    const { store, target, durable } = await closed(h);
    own.place.server.faults.arm({
      type: 'status',
      status: 503,
      operation: 'CompleteMultipartUpload',
      times: 1e6,
    });
    await expectCode(store.commit(target, durable), 'STORE_UNAVAILABLE');
    own.place.server.faults.clear();
    await expectReaders(h);
    await h.newStore().commitAfterRecovery(target, durable);
    await expectReaders(h, [target, 'data\n']);
  });

  test('whose upload is gone is done only if the object has the length and the checksum', async () => {
    const h = own.harness();
    const { store, target, durable, writer } = await closed(h);
    await h.put(target.finalUri, bytesOf('data\n'));
    await store.discard([target.temporaryUri], durable.handle);
    await h.newStore().commit(target, durable);
    await expectReaders(h, [target, writer.content]);
    await h.remove(target.finalUri);
    await h.put(target.finalUri, bytesOf('DATA\n'));
    await expectCode(h.newStore().commit(target, durable), 'STORE_CONTENT_DIFFERS');
    await h.remove(target.finalUri);
    const lost = await expectCode(h.newStore().commit(target, durable), 'STORE_FILE_MISSING');
    expect(lost.message).toContain(target.finalUri);
  });

  test('that may go on has half a minute before its file is called missing', async () => {
    let pausedMs = 0;
    const pause = (ms: number): Promise<void> => Promise.resolve(void (pausedMs += ms));
    const h = own.harness({ pacer: { nowMs: () => 0, pause } });
    const { store, target, durable } = await closed(h);
    await store.discard([target.temporaryUri], durable.handle);
    await expectCode(store.commitAfterRecovery(target, durable), 'STORE_FILE_MISSING');
    expect(pausedMs).toBeGreaterThanOrEqual(30_000);
    expect(pausedMs).toBeLessThan(60_000);
  });

  test('that is refused says why, and is not repeated', async () => {
    const h = own.harness();
    const { store, target, durable } = await closed(h);
    own.place.server.faults.arm({ type: 'accessDenied', operation: 'CompleteMultipartUpload' });
    const error = await expectCode(store.commit(target, durable), 'STORE_UNAVAILABLE');
    expect(error.message).toContain('AccessDenied');
    expect(error.message).toContain('docs/oss.md');
    expect(count('CompleteMultipartUpload')).toBe(1);
    await expectReaders(h);
  });

  test('whose answer states another checksum is compared by the object', async () => {
    const h = own.harness();
    const { store, target, durable } = await closed(h);
    own.place.server.faults.arm({ type: 'wrongCrc', operation: 'CompleteMultipartUpload' });
    await store.commit(target, durable);
    await expectReaders(h, [target, 'data\n']);
  });

  test('of other bytes than were journaled is never begun after a recovery', async () => {
    const h = own.harness();
    const { target, durable } = await closed(h);
    const other = { ...durable, crc64: crc64Of(bytesOf('DATA\n')) };
    await expectCode(h.newStore().commitAfterRecovery(target, other), 'STORE_CONTENT_DIFFERS');
    expect(count('CompleteMultipartUpload')).toBe(0);
    await expectReaders(h);
  });
});

describe('the upload part of an earlier settler', () => {
  /** A file that was taken over, and its settler's last part overwritten by somebody who came late. */
  async function overwritten(h: StoreHarness, end: string) {
    const dead = await (await Writer.create(h.newStore(), newTarget(h))).write('durable\n');
    const durable = await dead.persist();
    const { temporaryUri } = dead.target;
    const late = h.newStore();
    const finished = await finishWith(h.newStore(), dead.target, durable, temporaryUri, bytesOf(end));
    await finishWith(late, dead.target, durable, temporaryUri, bytesOf(`${end} of another version`));
    return { dead, finished, content: `durable\n${end}` };
  }

  test.each(['', 'and the end\n'])('that came late is uploaded again: after %j', async (end) => {
    const h = own.harness();
    const { dead, finished, content } = await overwritten(h, end);
    await h.newStore().commitAfterRecovery(dead.target, finished);
    await expectReaders(h, [dead.target, content]);
    expect(await h.leftovers()).toEqual([]);
  });

  test('that came between the look and the completion, too', async () => {
    const h = own.harness();
    const { dead, finished, content } = await overwritten(h, 'end\n');
    // A process that closed the file itself looks at no part before it completes the upload.
    await h.newStore().commit(dead.target, finished);
    await expectReaders(h, [dead.target, content]);
    expect(await h.leftovers()).toEqual([]);
  });

  test('is completed by the ETag that it has now: the same bytes may have another one', async () => {
    const h = own.harness();
    const dead = await (await Writer.create(h.newStore(), newTarget(h))).write('durable\n');
    const durable = await dead.persist();
    const { temporaryUri } = dead.target;
    const finished = await finishWith(h.newStore(), dead.target, durable, temporaryUri, bytesOf('end\n'));
    const { parts, ...rest } = finished.handle as { parts: { etag: string }[] };
    const handle = { ...rest, parts: parts.map((part) => ({ ...part, etag: 'F'.repeat(32) })) };
    await h.newStore().commitAfterRecovery(dead.target, { ...finished, handle });
    await expectReaders(h, [dead.target, 'durable\nend\n']);
    expect(await h.leftovers()).toEqual([]);
  });

  test('is not published where nothing keeps the right one', async () => {
    const h = own.harness();
    const { dead, finished } = await overwritten(h, 'end\n');
    const { end: _, ...handle } = finished.handle as Record<string, DurablePart['handle']>;
    const call = h.newStore().commitAfterRecovery(dead.target, { ...finished, handle });
    await expectCode(call, 'STORE_CONTENT_DIFFERS');
    await expectReaders(h);
  });

  test('a writer that learns that it is over leaves alone what a settler keeps beside the file', async () => {
    const h = own.harness();
    const { dead, finished, content } = await overwritten(h, 'end\n');
    const own_ = h.newStore();
    const checkpointed = (finished.handle as { parts: [] }).parts;
    await own_.sideObjects?.discardUncheckpointed(dead.target, {
      uploadId: 'x',
      parts: checkpointed,
      tail: null,
    });
    await h.newStore().commitAfterRecovery(dead.target, finished);
    await expectReaders(h, [dead.target, content]);
  });
});

test('a part that a zombie overwrote in an upload of its own is never published', async () => {
  const h = own.harness();
  const { target, durable } = await closed(h, PART);
  const handle = durable.handle as { uploadId: string };
  const keyOf = target.finalUri.slice('oss://lake/'.length);
  await own.place.putPart(keyOf, handle.uploadId, 1, 'z'.repeat(PART.length));
  for (const publish of ['commit', 'commitAfterRecovery'] as const) {
    const error = await expectCode(h.newStore()[publish](target, durable), 'STORE_CONTENT_DIFFERS');
    expect(error.message).toContain('upload part 1');
  }
  await expectReaders(h);
});

test('several files of one store: a failed one stops no other', async () => {
  const h = own.harness();
  const store = h.newStore();
  const writers = await Promise.all(Array.from({ length: 6 }, () => Writer.create(store, newTarget(h))));
  const [first] = writers;
  const name = readerName(h, first?.target ?? newTarget(h));
  own.place.server.faults.arm({ type: 'accessDenied', operation: 'UploadPart', path: name });
  const outcomes = await Promise.all(
    writers.map((writer) =>
      outcomeOf(
        (async () => {
          await writer.write(PART);
          await store.commit(writer.target, await writer.closeForCommit());
        })(),
      ),
    ),
  );
  await store.discard([first?.target.temporaryUri ?? ''], first?.startHandle ?? null);
  expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(5);
  expect((await h.readers()).size).toBe(5);
  expect(await h.leftovers()).toEqual([]);
});
