/**
 * What the service may do at its worst: refuse, answer late or no, lose the reply, expire a lease; each met
 * in the middle of a call.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { crc64Of } from '../../../kernels/crc64.ts';
import type { DurablePart, Store } from '../../../src/stores/port.ts';
import type { StoredFile, StoreReading } from '../../../src/stores/reading.ts';
import type { Fault } from '../../../servers/oss/faults.ts';
import { fetchJindosdk } from '../../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../../scripts/services/common.ts';
import { describeJudge, find } from '../../judges/judge.ts';
import { OssHdfsPlace } from './ossHdfsHarness.ts';
import {
  bytesOf,
  expectCode,
  expectReaders,
  nameForTakeover,
  newTarget,
  outcomeOf,
  resumeWith,
  type StoreHarness,
  takeOver,
  Writer,
} from './scene.ts';

const found = await find(() => fetchJindosdk(logToStderr));

const lostReply = (operation: string): Fault => ({ type: 'cutAfter', operation });
const LOST = ['cutBefore', 'cutAfter'] as const;
/** Longer than JindoSDK tries again by itself. */
const forLong = (fault: Fault): Fault => ({ ...fault, times: 1_000 });

describeJudge('the OSS-HDFS store when the service does its worst', found, ({ library }) => {
  let place: OssHdfsPlace;
  let h: StoreHarness;
  beforeAll(async () => {
    place = await OssHdfsPlace.open(library);
  });
  afterAll(async () => {
    await place.close();
  });
  beforeEach(() => {
    h = place.harness();
  });
  afterEach(async () => {
    await place.server.disarm();
    await h.dispose();
  });

  async function inProgress(store: Store = h.newStore()): Promise<{ writer: Writer; durable: DurablePart }> {
    const writer = await Writer.create(store, newTarget(h));
    const durable = await (await writer.write('durable\n')).persist();
    await (await writer.write('not counted\n')).persist();
    return { writer, durable };
  }

  test('a truncation that answers no is waited for; its bytes are gone before the next append', async () => {
    const { writer, durable } = await inProgress();
    await place.server.arm({ type: 'answerFalse', operation: 'dfs.truncateFile', delayMs: 400 });
    const store = h.newStore();
    const temporaryUri = nameForTakeover(store, writer.target);
    const heir = await resumeWith(store, writer.target, durable, temporaryUri);
    await heir.write(bytesOf('more\n'));
    await heir.closeForCommit();
    expect(await place.server.faultsLeft()).toBe(0);
    const moved = { ...writer.target, temporaryUri };
    const content = 'durable\nmore\n';
    await store.commit(moved, { length: content.length, crc64: durable.crc64, handle: null });
    await expectReaders(h, [writer.target, content]);
    await writer.file.abandon();
  });

  test('a lease that takes a while to recover is waited for', async () => {
    const { writer, durable } = await inProgress();
    await place.server.arm({ type: 'answerFalse', operation: 'dfs.recoveryLease', delayMs: 400, times: 2 });
    const taken = await takeOver(h.newStore(), writer.target, durable);
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectReaders(h, [writer.target, 'durable\n']);
    await writer.file.abandon();
  });

  test.each(['dfs.recoveryLease', 'dfs.rename', 'dfs.truncateFile', 'dfs.appendFile', 'dfs.isFileClosed'])(
    'a takeover whose %s takes effect without a reply is done, or done again under another name',
    async (operation) => {
      const { writer, durable } = await inProgress();
      await place.server.arm(lostReply(operation));
      const first = await outcomeOf(takeOver(h.newStore(), writer.target, durable));
      if (first !== 'done') expect(first.retry).toBe('transient');
      const taken = await takeOver(h.newStore(), writer.target, durable);
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      await expectReaders(h, [writer.target, 'durable\n']);
      expect(await h.leftovers()).toEqual([]);
      await writer.file.abandon();
    },
  );

  test.each(['dfs.addBlock', 'PutObject', 'dfs.fsyncFile'])(
    'a flush whose %s gets no reply either counts or ends the handle',
    async (operation) => {
      const writer = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await writer.write('before\n')).persist();
      const kept = writer.content;
      await place.server.arm(lostReply(operation));
      const flushed = await outcomeOf(writer.write('after\n').then(() => writer.persist()));
      await place.server.disarm();
      if (flushed === 'done') {
        const closed = await writer.closeForCommit();
        await h.newStore().commitAfterRecovery(writer.target, closed);
        await expectReaders(h, [writer.target, 'before\nafter\n']);
        return;
      }
      expect(flushed.code).toBe('STORE_OUTCOME_UNKNOWN');
      await expectCode(writer.file.write(bytesOf('no more\n')), 'STORE_OUTCOME_UNKNOWN');
      const taken = await takeOver(h.newStore(), writer.target, durable);
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      await expectReaders(h, [writer.target, kept]);
      await writer.file.abandon();
    },
  );

  test.each(
    (['PutObject', 'UploadPart', 'CompleteMultipartUpload', 'dfs.completeFile'] as const).flatMap(
      (operation) => [
        { operation, fault: lostReply(operation) },
        { operation, fault: forLong({ type: 'status', status: 503, operation }) },
        { operation, fault: forLong(lostReply(operation)) },
      ],
    ),
  )(
    'a close whose $operation fails either counts, whole, or ends the handle ($fault.type, $fault.times)',
    async ({ fault }) => {
      const writer = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await writer.write('before\n')).persist();
      const kept = writer.content;
      await place.server.arm(fault);
      const long = Buffer.alloc(9 * 1024 * 1024, 'a long line\n');
      const closed = await outcomeOf(writer.write(long).then(() => writer.closeForCommit()));
      await place.server.disarm();
      if (closed === 'done') {
        const whole = { length: writer.content.length, crc64: crc64Of(writer.content), handle: null };
        await h.newStore().commit(writer.target, whole);
        await expectReaders(h, [writer.target, writer.content]);
        return;
      }
      expect(closed.code).toBe('STORE_OUTCOME_UNKNOWN');
      await writer.file.abandon();
      const taken = await takeOver(h.newStore(), writer.target, durable);
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      await expectReaders(h, [writer.target, kept]);
    },
    60_000,
  );

  test('a service that is away for long: unknown, abandoned, and settled anew once it is back', async () => {
    const { writer, durable } = await inProgress();
    await place.server.arm(forLong({ type: 'status', status: 503 }));
    await writer.file.write(bytesOf('lost\n')).catch(() => undefined);
    await expectCode(writer.file.persist(), 'STORE_OUTCOME_UNKNOWN');
    await writer.file.abandon();
    await expectCode(h.newStore().create(newTarget(h)), 'STORE_OUTCOME_UNKNOWN');
    await expectCode(h.newStore().discard([writer.target.temporaryUri], null), 'STORE_UNAVAILABLE');
    const refused = await outcomeOf(takeOver(h.newStore(), writer.target, durable));
    expect(refused !== 'done' && refused.retry).toBe('transient');
    await place.server.disarm();
    const taken = await takeOver(h.newStore(), writer.target, durable);
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectReaders(h, [writer.target, 'durable\n']);
  }, 60_000);

  test.each(LOST)('a creation without a reply leaves nothing that counts (%s)', async (type) => {
    await place.server.arm({ type, operation: 'dfs.createFile' });
    const target = newTarget(h);
    const store = h.newStore();
    const created = await outcomeOf(store.create(target).then((file) => file.abandon()));
    if (created !== 'done') expect(['STORE_EXISTS', 'STORE_OUTCOME_UNKNOWN']).toContain(created.code);
    await store.discard([target.temporaryUri], null);
    expect(await h.leftovers()).toEqual([]);
  });

  test.each(LOST)('a commit whose rename gets no reply is done by probing (%s)', async (type) => {
    const store = h.newStore();
    const writer = await Writer.create(store, newTarget(h));
    const durable = await (await writer.write('data\n')).closeForCommit();
    await place.server.arm({ type, operation: 'dfs.rename' });
    const committed = await outcomeOf(store.commit(writer.target, durable));
    if (committed !== 'done') expect(committed.retry).toBe('transient');
    await h.newStore().commitAfterRecovery(writer.target, durable);
    await expectReaders(h, [writer.target, 'data\n']);
    expect(await h.leftovers()).toEqual([]);
  });

  test('a lease that expired under its owner ends the handle; the next owner continues', async () => {
    const { writer, durable } = await inProgress();
    await place.server.arm({ type: 'dfsError', errCode: 30013, operation: 'dfs.fsyncFile' });
    await writer.write('lost\n');
    await expectCode(writer.file.persist(), 'STORE_OUTCOME_UNKNOWN');
    await writer.file.abandon();
    const taken = await takeOver(h.newStore(), writer.target, durable);
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectReaders(h, [writer.target, 'durable\n']);
  });

  test('an access key that is refused says so, and what to look at', async () => {
    await place.server.arm(forLong({ type: 'accessDenied' }));
    const error = await expectCode(
      h.newStore().create(newTarget(h)),
      'STORE_UNAVAILABLE',
      'STORE_OUTCOME_UNKNOWN',
    );
    expect(error.message).toContain('RAM policy');
  }, 60_000);

  test('a marker whose writer died before its line was whole is finished by the next claimer', async () => {
    const store = h.newStore();
    const first = 'journal-11111111' as Parameters<Store['claimMarker']>[2];
    const second = 'journal-22222222' as Parameters<Store['claimMarker']>[2];
    await place.server.arm(forLong({ type: 'status', status: 503, operation: 'PutObject' }));
    await expectCode(store.claimMarker(h.sinkUri, 'clicks', first), 'STORE_OUTCOME_UNKNOWN');
    await place.server.disarm();
    expect(await h.newStore().readMarker(h.sinkUri, 'clicks')).toBeNull();
    expect(await h.newStore().claimMarker(h.sinkUri, 'clicks', second)).toBe(second);
    expect(await h.newStore().claimMarker(h.sinkUri, 'clicks', first)).toBe(second);
  });

  test('what cannot be read or listed is unavailable, neither missing nor an empty folder', async () => {
    const uri = `${h.sinkUri}/dt=1/part-a`;
    await h.put(uri, bytesOf('one\n'));
    const { reading } = h.newStore();
    const expected = { length: 4, crc64: crc64Of(bytesOf('one\n')) };
    const denied = (operation: string): Fault => forLong({ type: 'accessDenied', operation });
    for (const operation of ['dfs.getFileInfo', 'dfs.getBlockLocations']) {
      await place.server.arm(denied(operation));
      await expectCode(reading.verify(uri, expected), 'STORE_UNAVAILABLE');
      await place.server.disarm();
    }
    await place.server.arm({ ...denied('dfs.getListing'), path: 'dt=1' });
    const error = await expectCode(listed(reading, h.sinkUri), 'STORE_UNAVAILABLE');
    expect(error.affected.files, 'the folder below that is not listed').toEqual([`${h.sinkUri}/dt=1`]);
    await place.server.disarm();
    expect(await reading.verify(uri, expected)).toEqual({ type: 'same' });
    expect(await listed(reading, h.sinkUri)).toEqual([{ uri, length: 4, kind: 'visible' }]);
  });
});

async function listed(reading: StoreReading, folderUri: string): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for await (const files of reading.list(folderUri)) found.push(...files);
  return found;
}
