import { describe, expect, test } from 'vitest';
import type { LogItem } from '../../sim/schedule.ts';
import type { LogSpan } from '../../src/sources/port.ts';
import { at, readTo, records, recordsOf, scene, shape, TOPIC, value } from './kafkaScene.ts';
import { eventually, pass, settlesWithin } from './simulated.ts';

describe('the log', () => {
  test('holes, aborted transactions and control records occupy offsets and are never seen', async () => {
    const log: LogItem[] = [
      records(0, 2),
      { type: 'hole', atMs: 1, offsets: 3 },
      { type: 'transaction', atMs: 2, endsAtMs: 3, committed: false, ...shape(2) },
      records(4, 1),
      { type: 'transaction', atMs: 5, endsAtMs: 6, committed: true, ...shape(2) },
      { type: 'hole', atMs: 7, offsets: 2 },
    ];
    const { scheduler, kafka, member } = scene([log]);
    // 0 1 | hole 2 3 4 | aborted 5 6, its marker 7 | 8 | committed 9 10, its marker 11 | hole 12 13
    const found = await readTo(scheduler, member(0).source.open(at(0), 0n, null), 0, 14);
    expect(found).toEqual([0, 1, 8, 9, 10].map((offset) => value(offset)));
    expect(
      kafka
        .log(0)
        .expected()
        .map(({ offset }) => Number(offset)),
    ).toEqual([0, 1, 8, 9, 10]);
  });

  test('a batch tells what its offsets hold', async () => {
    const log: LogItem[] = [
      records(0, 2),
      { type: 'hole', atMs: 0, offsets: 3 },
      { type: 'transaction', atMs: 0, endsAtMs: 1, committed: false, ...shape(2) },
    ];
    const { scheduler, member } = scene([log]);
    const { source } = member(0);
    const feed = source.open(at(0), 1n, null);
    const spans: LogSpan[] = [];
    for (let next = 1n; next < 8n;) {
      const batch = await eventually(scheduler, feed.next());
      spans.push(...(batch.spans?.() ?? []));
      next = batch.nextOffset;
    }
    expect(spans).toEqual([
      { from: 0n, to: 2n, holds: 'records', records: 2 },
      { from: 2n, to: 5n, holds: 'records', records: 0 },
      { from: 5n, to: 7n, holds: 'aborted', records: 2 },
      { from: 7n, to: 8n, holds: 'markers', records: 1 },
    ]);
    expect(await eventually(scheduler, source.isCompacted?.(TOPIC) ?? Promise.resolve(null))).toBe(true);
  });

  test('nothing at or after the start of an open transaction is seen before it ends', async () => {
    const log: LogItem[] = [
      records(0, 2),
      { type: 'transaction', atMs: 10, endsAtMs: 500, committed: true, ...shape(2) },
      records(20, 3),
    ];
    const { scheduler, member } = scene([log]);
    const { source } = member(0);
    const feed = source.open(at(0), 0n, null);
    expect(await readTo(scheduler, feed, 0, 2)).toEqual([value(0), value(1)]);
    const next = feed.next();
    expect(await settlesWithin(scheduler, 400, next)).toBe(false);
    expect(await eventually(scheduler, source.ranges(TOPIC))).toEqual([{ startOffset: 0n, endOffset: 2n }]);
    const batch = await eventually(scheduler, next);
    expect(scheduler.nowMs).toBeGreaterThanOrEqual(500);
    const rest = await readTo(scheduler, feed, Number(batch.nextOffset), 8);
    // The control record took the offset that was next when the transaction ended: behind the batch of 4, 5
    // and 6.
    expect([...recordsOf(batch), ...rest]).toEqual([2, 3, 4, 5, 6].map((offset) => value(offset)));
  });

  test('a batch that begins before the asked offset gives no record below it', async () => {
    const { scheduler, member } = scene([[records(0, 5), records(0, 2)]]);
    const feed = member(0).source.open(at(0), 3n, null);
    const batch = await eventually(scheduler, feed.next());
    expect(batch.fetchedOffset).toBe(3n);
    expect(
      recordsOf(batch)
        .map(({ offset }) => offset)
        .slice(0, 2),
    ).toEqual([3, 4]);
    expect(batch.records().baseOffset).toBe(0n);
    expect(recordsOf(batch)).toEqual(recordsOf(batch));
  });

  test('null values are records', async () => {
    const { scheduler, kafka, member } = scene([[records(0, 4, { nullEvery: 2 })]]);
    const found = await readTo(scheduler, member(0).source.open(at(0), 0n, null), 0, 4);
    expect(found).toEqual([value(0), { offset: 1, value: null }, value(2), { offset: 3, value: null }]);
    expect(kafka.log(0).expected()).toHaveLength(2);
  });

  test('a feed waits for what is not there yet, and ends with AbortError when it is closed', async () => {
    const { scheduler, member } = scene([[records(700, 1)]]);
    const { source } = member(0);
    const [patient, closed] = [source.open(at(0), 0n, null), source.open(at(0), 0n, null)];
    const never = closed.next();
    scheduler.after(100, null, () => void closed.close());
    await expect(eventually(scheduler, never)).rejects.toMatchObject({ name: 'AbortError' });
    await expect(closed.next()).rejects.toMatchObject({ name: 'AbortError' });
    expect(recordsOf(await eventually(scheduler, patient.next()))).toEqual([value(0)]);
    expect(scheduler.nowMs).toBeGreaterThanOrEqual(700);
  });

  test('an offset behind the end of the log is an error, never a wait', async () => {
    const { scheduler, member } = scene([[records(0, 2)]]);
    await pass(scheduler, 10);
    const feed = member(0).source.open(at(0), 3n, null);
    await expect(eventually(scheduler, feed.next())).rejects.toMatchObject({ code: 'SOURCE_TRUNCATED' });
  });
});

describe('questions', () => {
  test('facts and start offsets', async () => {
    const { scheduler, member } = scene([[records(0, 3)], []]);
    await pass(scheduler, 1);
    const { source } = member(0);
    const asked = source.describe({
      ...{ wait: true, onWaiting: () => undefined },
      signal: new AbortController().signal,
    });
    expect(await eventually(scheduler, asked)).toMatchObject({
      topics: [{ topic: TOPIC, topicId: 'topic-1', partitions: 2 }],
    });
    expect(await eventually(scheduler, source.startOffsets(TOPIC, { type: 'earliest' }))).toEqual([0n, 0n]);
    expect(await eventually(scheduler, source.startOffsets(TOPIC, { type: 'latest' }))).toEqual([3n, 0n]);
  });

  test('another topic id is another topic', async () => {
    const { scheduler, member } = scene([[]]);
    const { source } = member(0);
    await eventually(scheduler, source.verifyIdentity(TOPIC, 'topic-1'));
    await eventually(scheduler, source.verifyIdentity(TOPIC, null));
    await expect(eventually(scheduler, source.verifyIdentity(TOPIC, 'topic-0'))).rejects.toMatchObject({
      code: 'SOURCE_REPLACED',
    });
  });

  test('are given up when the brokers are away for long', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    kafka.goAway(60_000);
    await expect(
      eventually(scheduler, member(0).source.verifyIdentity(TOPIC, 'topic-1')),
    ).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});
