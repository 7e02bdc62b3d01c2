/**
 * Owners that continue after their successor has done everything, on the real OSS-HDFS store and the loopback
 * server.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { crc64Of } from '../../kernels/crc64.ts';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import { FAILPOINTS } from '../../src/system/failpoints.ts';
import { OssHdfsPlace } from '../conformance/store/ossHdfsHarness.ts';
import {
  expectReaders,
  newTarget,
  outcomeOf,
  takeOver,
  Writer,
  type StoreHarness,
} from '../conformance/store/scene.ts';
import { describeJudge, find } from '../judges/judge.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { Pause } from './pause.ts';

const PARTITIONS = 2;
const RECORDS = 40;
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });

const found = await find(() => fetchJindosdk(logToStderr));
const cases = FAILPOINTS.filter((point) => point.startsWith('store.') && point !== 'store.finish').flatMap(
  (point) => (['before', 'after'] as const).map((side) => ({ point, side })),
);

describeJudge('an owner of a file at OSS-HDFS that continues after its successor', found, ({ library }) => {
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
    await h.dispose();
  });

  const committed = async (): Promise<Map<string, string>> =>
    new Map([...(await h.readers())].map(([name, bytes]) => [name, bytes.toString('utf8')]));

  test.each(cases)(
    'a coordinator paused at $point, $side: changes nothing and leaves nothing',
    async ({ point, side }) => {
      const job = new JobFixture();
      const source = new MemorySource(PARTITIONS);
      for (let partition = 0; partition < PARTITIONS; partition += 1)
        source.append(partition, ...numbered(partition, RECORDS));
      const naming = { sinkUri: h.sinkUri, prefix: 'part', suffix: '', entropy: null };
      const clock = hastyClock();
      const bounded = { untilEnd: true, rolling, clock, checkpointIntervalMs: 1, naming };
      const { signal } = new AbortController();
      // Something to settle: files in every state of an owner that never wakes.
      const dead = new Pause('journal.append', 'after', 9);
      void job
        .coordinator({ ...bounded, source: new MemorySource(source), store: h.newStore(), failpoints: dead })
        .run(signal);
      await dead.paused.promise;
      const pause = new Pause(point, side, 1);
      const zombie = job
        .coordinator({ ...bounded, source: new MemorySource(source), store: h.newStore(), failpoints: pause })
        .run(signal);
      await Promise.race([zombie, pause.paused.promise]);
      await job.coordinator({ ...bounded, source, store: h.newStore() }).run(signal);
      const before = await committed();
      pause.woken.resolve(undefined);
      expect((await zombie).stopped).toEqual([]);
      const after = await committed();
      expectEachRecordOnce({ committed: () => after }, PARTITIONS, RECORDS);
      expect(after).toEqual(before);
      expect(await h.leftovers()).toEqual([]);
    },
  );

  test('an owner that keeps flushing, after small flushes, rewrites no published block', async () => {
    const zombie = await Writer.create(h.newStore(), newTarget(h));
    for (const text of ['one\n', 'two\n', 'three\n']) await (await zombie.write(text)).persist();
    const durable = await (await zombie.write('four\n')).persist();
    const content = zombie.content;
    const taken = await takeOver(h.newStore(), zombie.target, durable);
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    const dataPuts = async (): Promise<string[]> =>
      (await place.server.calls())
        .filter(({ operation }) => operation === 'PutObject')
        .map((call) => call.path);
    const before = await dataPuts();
    // What data it sends goes by block, without a look at the lease.
    await outcomeOf(zombie.write('five\n'));
    expect(await outcomeOf(zombie.file.persist())).toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN' });
    const late = (await dataPuts()).slice(before.length);
    expect(late.length).toBeGreaterThan(0);
    expect(late.filter((name) => before.includes(name))).toEqual([]);
    await expectReaders(h, [zombie.target, content]);
    await zombie.file.abandon();
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
  });

  test('a client whose lease was recovered uses every call: nothing of it appears', async () => {
    const target = newTarget(h);
    const zombie = await place.reader.begin(target.temporaryUri);
    const content = Buffer.from('durable\n');
    await zombie.write(content);
    await zombie.flush();
    await zombie.write(Buffer.alloc(300_000, 'in flight\n'));
    const durable = { length: content.length, crc64: crc64Of(content), handle: null };
    const refusals: unknown[] = [];
    const goOn = async (): Promise<void> => {
      const attempts = [
        () => zombie.write(Buffer.alloc(9_000_000, 'zombie\n')),
        () => zombie.flush(),
        () => place.reader.truncate(target.temporaryUri, 3),
        () => place.reader.rename(target.temporaryUri, target.finalUri),
      ];
      for (const attempt of attempts) await attempt().catch((error: unknown) => refusals.push(error));
    };
    const taken = await takeOver(h.newStore(), target, durable);
    await goOn();
    await expectReaders(h);
    expect(await outcomeOf(h.newStore().commitAfterRecovery(taken.target, taken.durable))).toBe('done');
    await goOn();
    await zombie.close().catch((error: unknown) => refusals.push(error));
    await zombie.free();
    await expectReaders(h, [target, content]);
    expect(refusals.length).toBeGreaterThanOrEqual(7);
  });
});
