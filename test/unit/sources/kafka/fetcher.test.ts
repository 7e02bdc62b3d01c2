import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/system/clock.ts';
import { ConditionBoard } from '../../../../src/telemetry/conditions.ts';
import { DecodedCursor } from '../../../../src/sources/kafka/client/decodedCursor.ts';
import { BatchCursor } from '../../../../src/sources/kafka/records/cursor.ts';
import { Fetcher, type FetcherContext } from '../../../../src/sources/kafka/fetcher.ts';
import { DEFAULT_TUNING, type KafkaTuning } from '../../../../src/sources/kafka/options.ts';
import { Waits } from '../../../../src/sources/kafka/waits.ts';
import type { FetchedBatch } from '../../../../src/sources/port.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';
import { buildBatch, valued } from './batchBuilder.ts';
import { ScriptedBrokers } from './scriptedBrokers.ts';

const TOPIC = 'orders';

let closing: AbortController;
let conditions: ConditionBoard;
let brokers: ScriptedBrokers;
let fetcher: Fetcher;
let tuning: KafkaTuning;
let room: () => Promise<void>;
const warnings: string[] = [];

beforeEach(() => {
  closing = new AbortController();
  brokers = new ScriptedBrokers(closing.signal);
  warnings.length = 0;
  room = () => Promise.resolve();
  const quiet = () => undefined;
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_fields: object, message: string) => void warnings.push(message),
  };
  tuning = { ...DEFAULT_TUNING, fetchWaitMs: 5, fetchBytesMax: 1_000 };
  conditions = new ConditionBoard({ clock: systemClock, log: silentLog });
  const context: FetcherContext = {
    brokers,
    clock: systemClock,
    log,
    waits: new Waits(log, conditions),
    tuning,
    addresses: ['b:1'],
    roomToFetch: () => room(),
    signal: closing.signal,
  };
  fetcher = new Fetcher(context);
});
afterEach(async () => {
  closing.abort();
  conditions.end();
  await fetcher.close();
});

const open = (partition: number, offset = 0n) => fetcher.open({ topic: TOPIC, partition }, offset, null);
const batchAt = (offset: bigint, value: string) => buildBatch({ baseOffset: offset, records: valued(value) });

describe('the fetcher', () => {
  test('never moves on over an empty answer that other partitions may have filled', async () => {
    let askedTogether = false;
    brokers.answer = ({ partition, fetchOffset }, request) => {
      if (partition === 1)
        return { lastStableOffset: fetchOffset + 1n, records: batchAt(fetchOffset, 'filler') };
      // Partition 0 has a record, which only fits where it is asked alone.
      const alone = request.partitions.length === 1;
      askedTogether ||= !alone;
      return { lastStableOffset: 1n, records: alone ? batchAt(0n, 'mine') : Buffer.alloc(0) };
    };
    const [starved, other] = [open(0), open(1)];
    await other.next();
    const batch = await starved.next();
    expect(askedTogether).toBe(true);
    const cursor = batch.records();
    expect(cursor.next()).toBe(true);
    expect(batch.nextOffset).toBe(1n);
  });

  test('never passes an empty answer below the last stable offset: a tier may be late', async () => {
    let answers = 0;
    brokers.answer = ({ fetchOffset }) => {
      answers += 1;
      return {
        lastStableOffset: 50n,
        records: answers <= 5 ? Buffer.alloc(0) : batchAt(fetchOffset, 'late'),
      };
    };
    const batch = await open(0, 40n).next();
    expect([batch.fetchedOffset, batch.nextOffset, batch.records().next()]).toEqual([40n, 41n, true]);
    expect(answers).toBeGreaterThan(5);
  });

  test('waits, and delivers nothing, at the last stable offset', async () => {
    let stable = 7n;
    brokers.answer = ({ fetchOffset }) => ({
      lastStableOffset: stable,
      records: stable > fetchOffset ? batchAt(7n, 'late') : Buffer.alloc(0),
    });
    const next = open(0, 7n).next();
    while (brokers.requests.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    stable = 8n;
    expect((await next).nextOffset).toBe(8n);
  });

  test('asks for more before it hands on what it got: the broker works while the router does', async () => {
    brokers.answer = ({ fetchOffset }) => ({
      lastStableOffset: 9n,
      records: batchAt(fetchOffset, 'one of many'),
    });
    // On its way to the socket a request passes many promises.
    const fetch = brokers.fetch.bind(brokers);
    brokers.fetch = async (...asked) => {
      for (let promises = 0; promises < 20; promises += 1) await Promise.resolve();
      return fetch(...asked);
    };
    const requestsAtDelivery = open(0)
      .next()
      .then(() => brokers.requests.length);
    expect(await requestsAtDelivery).toBe(2);
  });

  test('asks for nothing while memory has no room, and goes on where it was once it has', async () => {
    brokers.answer = ({ fetchOffset }) => ({ lastStableOffset: 9n, records: batchAt(fetchOffset, 'v') });
    const [asked, freed] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    room = () => {
      asked.resolve(undefined);
      return freed.promise;
    };
    const next = open(0, 4n).next();
    await asked.promise;
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect(brokers.requests).toEqual([]);
    freed.resolve(undefined);
    expect((await next).fetchedOffset).toBe(4n);
  });

  test('asks for more bytes where a batch is cut off, and for the usual number afterwards', async () => {
    const large = batchAt(0n, 'x'.repeat(5_000));
    brokers.answer = ({ fetchOffset, bytesMax }) => {
      if (fetchOffset > 0n) return {};
      return { lastStableOffset: 1n, records: large.subarray(0, bytesMax) };
    };
    const feed = open(0);
    expect((await feed.next()).nextOffset).toBe(1n);
    const asked = (): number[] => brokers.requests.map(({ request }) => request.partitions[0]?.bytesMax ?? 0);
    while (asked().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked().slice(0, 3)).toEqual([1_000, large.length, 1_000]);
  });

  test('asks for more bytes also where not even the header of a batch fits', async () => {
    const batch = batchAt(0n, 'x'.repeat(100));
    brokers.answer = ({ bytesMax, fetchOffset }) =>
      fetchOffset > 0n
        ? {}
        : { lastStableOffset: 1n, records: bytesMax < 1_010 ? batch.subarray(0, 30) : batch };
    expect((await open(0).next()).nextOffset).toBe(1n);
  });

  test('stops at a batch that the log does not hold to its end, and at no other partition', async () => {
    const damaged = batchAt(0n, 'damaged');
    damaged.writeInt32BE(5_000, 8);
    brokers.answer = ({ partition, fetchOffset }) => ({
      lastStableOffset: fetchOffset + 1n,
      records: partition === 0 ? damaged : batchAt(fetchOffset, 'whole'),
    });
    const [bad, good] = [open(0), open(1)];
    await expect(bad.next()).rejects.toMatchObject({
      code: 'SOURCE_BATCH_CORRUPT',
      message: expect.stringContaining('it is damaged') as string,
      fields: { offset: 0n, announcedBytes: 5_012, foundBytes: damaged.length },
    });
    for (let offset = 0n; offset < 5n; offset += 1n) expect((await good.next()).fetchedOffset).toBe(offset);
  });

  test('does not stop at a batch that is cut off a few times, together with others or alone', async () => {
    const large = batchAt(0n, 'x'.repeat(5_000));
    let cutAlone = 0;
    brokers.answer = ({ partition, fetchOffset, bytesMax }, { partitions }) => {
      if (partition === 1) return { lastStableOffset: 9n, records: batchAt(fetchOffset, 'whole') };
      if (fetchOffset > 0n) return {};
      const isAlone = partitions.length === 1 && bytesMax >= large.length;
      const isCut = !isAlone || cutAlone < 2;
      if (isAlone && isCut) cutAlone += 1;
      return { lastStableOffset: 1n, records: isCut ? large.subarray(0, 500) : large };
    };
    open(1);
    expect((await open(0).next()).nextOffset).toBe(1n);
    expect(cutAlone).toBe(2);
  });

  test('holds at most its prefetched fetches until they are pulled', async () => {
    brokers.answer = ({ fetchOffset }) => ({ lastStableOffset: 100n, records: batchAt(fetchOffset, 'v') });
    const feed = open(0);
    while (brokers.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let asked = 0; asked < 10; asked += 1) {
      await delay(5);
      expect(brokers.requests).toHaveLength(2);
    }
    for (let offset = 0n; offset < 10n; offset += 1n) expect((await feed.next()).fetchedOffset).toBe(offset);
  });

  test('follows a leader that moves', async () => {
    brokers.answer = ({ fetchOffset }, _request, nodeId) => {
      if (nodeId === 1) {
        brokers.leaders = [2, 2, 2];
        return { errorCode: 6 };
      }
      return { lastStableOffset: fetchOffset + 1n, records: batchAt(fetchOffset, 'from the new leader') };
    };
    expect((await open(0).next()).nextOffset).toBe(1n);
    expect(brokers.requests.map(({ nodeId }) => nodeId).slice(0, 2)).toEqual([1, 2]);
    expect(warnings).toEqual([]);
  });

  test('waits for a leader where there is none, with one warning', async () => {
    brokers.leaders = [-1];
    brokers.answer = ({ fetchOffset }) => ({
      lastStableOffset: fetchOffset + 1n,
      records: batchAt(fetchOffset, 'v'),
    });
    const next = open(0).next();
    while (brokers.metadataAsked < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    brokers.leaders = [1];
    expect((await next).nextOffset).toBe(1n);
    expect(warnings).toHaveLength(1);
  });

  test('a damaged batch ends its own feed behind what is whole, and no other', async () => {
    const damaged = batchAt(1n, 'damaged');
    damaged.writeUInt8(damaged.readUInt8(65) ^ 1, 65);
    brokers.answer = ({ partition, fetchOffset }) => {
      const records = partition === 0 && fetchOffset === 1n ? damaged : batchAt(fetchOffset, 'whole');
      return { lastStableOffset: fetchOffset + 1n, records };
    };
    const [bad, good] = [open(0), open(1)];
    expect((await bad.next()).nextOffset).toBe(1n);
    await expect(bad.next()).rejects.toMatchObject({ code: 'SOURCE_BATCH_CORRUPT', fields: { offset: 1n } });
    await expect(bad.next()).rejects.toMatchObject({ code: 'SOURCE_BATCH_CORRUPT' });
    for (let offset = 0n; offset < 5n; offset += 1n) expect((await good.next()).fetchedOffset).toBe(offset);
  });

  test('a topic that we have no access to ends the feed', async () => {
    brokers.answer = () => ({ errorCode: 29 });
    await expect(open(0).next()).rejects.toMatchObject({ code: 'SOURCE_AUTHENTICATION' });
  });

  test('a feed opened after the close is closed', async () => {
    closing.abort();
    await expect(open(0).next()).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('a second pull while one waits is refused', async () => {
    brokers.answer = () => ({});
    const feed = open(0);
    const first = expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
    await expect(feed.next()).rejects.toThrow('already waiting');
    await feed.close();
    await first;
  });
});

describe.each(['batches', 'records'] as const)(
  'an answer whose last batch is not whole, read as %s',
  (decode) => {
    const valuesOf = (batch: FetchedBatch): string[] => {
      const cursor = batch.records();
      expect(cursor).toBeInstanceOf(decode === 'records' ? DecodedCursor : BatchCursor);
      const values: string[] = [];
      while (cursor.next())
        values.push(cursor.valueBytes.toString('utf8', cursor.valueStart, cursor.valueEnd));
      return values;
    };

    test('cut off: it is fetched again, from its own offset', async () => {
      Object.assign(tuning, { decode });
      const batches = [batchAt(0n, 'whole'), batchAt(1n, 'cut off'), batchAt(2n, 'last')];
      brokers.answer = ({ fetchOffset }) => {
        const records = Buffer.concat(batches.slice(Number(fetchOffset)));
        return { lastStableOffset: 3n, records: records.subarray(0, fetchOffset === 0n ? -80 : undefined) };
      };
      const feed = open(0);
      const first = await feed.next();
      expect([valuesOf(first), first.nextOffset]).toEqual([['whole'], 1n]);
      const second = await feed.next();
      expect([valuesOf(second), second.nextOffset]).toEqual([['cut off', 'last'], 3n]);
      expect(brokers.requests[1]?.request.partitions[0]?.fetchOffset).toBe(1n);
      expect(warnings).toEqual([]);
    });

    test.each([
      ['a record', 70],
      ['its header, so that it seems to lie behind the last stable offset', 24],
      ['its magic', 16],
    ])(
      'damaged in %s: what is before it is read, then it is told, and nothing behind it is read',
      async (_name, at) => {
        Object.assign(tuning, { decode });
        const batches = [batchAt(0n, 'whole'), batchAt(1n, 'damaged'), batchAt(2n, 'behind')];
        batches[1]!.writeUInt8(batches[1]!.readUInt8(at) ^ 1, at);
        brokers.answer = ({ fetchOffset }) => ({
          lastStableOffset: 3n,
          records: Buffer.concat(batches.slice(Number(fetchOffset))),
        });
        const feed = open(0);
        const first = await feed.next();
        expect([valuesOf(first), first.nextOffset]).toEqual([['whole'], 1n]);
        const told = { code: 'SOURCE_BATCH_CORRUPT', fields: { partition: 'orders/0', offset: 1n } };
        await expect(feed.next()).rejects.toMatchObject(told);
        await expect(feed.next()).rejects.toMatchObject(told);
      },
    );
  },
);
