/** A log that went back is noticed by its leader epochs, and nothing else is taken for it. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../../src/system/clock.ts';
import { Fetcher } from '../../../../../src/sources/kafka/fetcher.ts';
import {
  decodeEpochEndResponse,
  encodeEpochEndRequest,
  type EpochQuestion,
} from '../../../../../src/sources/kafka/wire/epochEnd.ts';
import { DEFAULT_TUNING } from '../../../../../src/sources/kafka/options.ts';
import { WireReader, WireWriter } from '../../../../../src/sources/kafka/wire/wireTypes.ts';
import { Waits } from '../../../../../src/sources/kafka/waits.ts';
import type { EpochStart } from '../../../../../journal/events.ts';
import type { ReadEpoch } from '../../../../../src/sources/port.ts';
import { buildBatch, buildMarker, valued } from '../batchBuilder.ts';
import { ScriptedBrokers } from '../scriptedBrokers.ts';

const TOPIC = 'orders';
const STABLE_MS = 150;

let closing: AbortController;
let brokers: ScriptedBrokers;
let fetcher: Fetcher;
const warnings: string[] = [];

beforeEach(() => {
  closing = new AbortController();
  brokers = new ScriptedBrokers(closing.signal);
  warnings.length = 0;
  const quiet = () => undefined;
  const warn = (_fields: object, message: string) => void warnings.push(message);
  const tuning = {
    ...DEFAULT_TUNING,
    fetchWaitMs: 5,
    outOfRangeStableMs: STABLE_MS,
    pollMs: 10,
    questionMs: 300,
  };
  const { signal } = closing;
  const log = { debug: quiet, info: quiet, error: quiet, warn };
  const waits = new Waits(log, null);
  fetcher = new Fetcher({ brokers, clock: systemClock, log, waits, tuning, addresses: ['b:1'], signal });
});
afterEach(async () => {
  closing.abort();
  await fetcher.close();
});

const read = (epoch: number, startOffset: bigint, ...earlier: EpochStart[]): ReadEpoch => ({
  ...{ epoch, startOffset, earlier },
});
const open = (offset: bigint, last: ReadEpoch | null) =>
  fetcher.open({ topic: TOPIC, partition: 0 }, offset, null, last);

function batch(offset: bigint, leaderEpoch: number, ...values: string[]): Buffer {
  const bytes = buildBatch({
    baseOffset: offset,
    records: valued(...(values.length === 0 ? ['v'] : values)),
  });
  bytes.writeInt32BE(leaderEpoch, 12);
  return bytes;
}
const serve = (leaderEpoch: () => number): void => {
  brokers.answer = ({ fetchOffset }) => ({
    lastStableOffset: fetchOffset + 1n,
    records: batch(fetchOffset, leaderEpoch()),
  });
};
/** A log of these batches, all of it replicated. */
const log = (...batches: readonly Buffer[]): void => {
  const endOf = (bytes: Buffer): bigint => bytes.readBigInt64BE(0) + BigInt(bytes.readInt32BE(23)) + 1n;
  brokers.answer = ({ fetchOffset }) => ({
    lastStableOffset: endOf(batches.at(-1)!),
    records: Buffer.concat(batches.filter((bytes) => endOf(bytes) > fetchOffset)),
  });
};
const truncated = (divergedAt: bigint, nextOffset: bigint, leaderEpoch: number | null) => ({
  code: 'SOURCE_TRUNCATED',
  message: expect.stringContaining(`--from ${divergedAt}`) as string,
  fields: { partition: 'orders/0', divergedAt, nextOffset, leaderEpoch },
});

describe('leader epochs', () => {
  test('are given with each batch: one that begins another epoch is fetched by itself', async () => {
    const all = [batch(0n, 3, 'a'), batch(1n, 3, 'b'), batch(2n, 5, 'c')];
    brokers.leaderEpoch = 5;
    brokers.answer = ({ fetchOffset }) => ({
      lastStableOffset: 3n,
      records: Buffer.concat(all.slice(Number(fetchOffset))),
    });
    const feed = open(0n, null);
    const [first, second] = [await feed.next(), await feed.next()];
    expect([first.leaderEpoch, first.nextOffset]).toEqual([3, 2n]);
    expect([second.leaderEpoch, second.nextOffset]).toEqual([5, 3n]);
    expect(brokers.requests.map(({ request }) => request.partitions[0]?.leaderEpoch)).toContain(5);
  });

  test('what is unknown is not validated; what the same connection read needs no proof', async () => {
    serve(() => 0);
    const feed = open(7n, null);
    for (let offset = 7n; offset < 12n; offset += 1n) expect((await feed.next()).fetchedOffset).toBe(offset);
    await feed.verify({ offset: 12n, read: read(0, 7n) });
    expect(brokers.questions).toEqual([]);
  });

  test('the journaled epoch is validated at open, before anything is fetched', async () => {
    brokers.leaderEpoch = 4;
    serve(() => 4);
    const feed = open(50n, read(3, 20n));
    expect((await feed.next()).fetchedOffset).toBe(50n);
    expect(brokers.questions).toEqual<EpochQuestion[]>([
      { topic: TOPIC, partition: 0, currentLeaderEpoch: 4, leaderEpoch: 3 },
    ]);
  });
});

describe('a log that went back', () => {
  test('at open: its epoch ends below the offset; nothing is fetched', async () => {
    brokers.leaderEpoch = 4;
    brokers.epochEnd = () => ({ leaderEpoch: 3, endOffset: 40n });
    await expect(open(50n, read(3, 20n)).next()).rejects.toMatchObject(truncated(40n, 50n, 3));
    expect(brokers.requests).toEqual([]);
  });

  test('the epoch read last is missing: differs where it began, whatever ends later', async () => {
    brokers.leaderEpoch = 6;
    brokers.epochEnd = () => ({ leaderEpoch: 2, endOffset: 45n });
    const feed = open(50n, read(3, 30n));
    await expect(feed.next()).rejects.toMatchObject(truncated(30n, 50n, 2));
  });

  test('the same, where the earlier one ends behind all that was read', async () => {
    brokers.leaderEpoch = 6;
    brokers.epochEnd = () => ({ leaderEpoch: 2, endOffset: 90n });
    log(batch(20n, 2), batch(49n, 2), batch(90n, 6));
    const feed = open(50n, read(3, 30n));
    await expect(feed.next()).rejects.toMatchObject(truncated(30n, 50n, 2));
  });

  /** As it answers whose log holds epoch 1 up to there, and then that of the leader. */
  const onlyFirst =
    (endOffset: bigint) =>
    ({ leaderEpoch }: EpochQuestion) => ({ leaderEpoch: Math.min(leaderEpoch, 1), endOffset });
  const three = read(3, 40n, { epoch: 1, startOffset: 0n }, { epoch: 2, startOffset: 20n });

  test('two epochs are missing: differs where the first began, whatever ends later', async () => {
    brokers.leaderEpoch = 6;
    for (const endOffset of [90n, 30n]) {
      brokers.epochEnd = onlyFirst(endOffset);
      log(batch(0n, 1), batch(20n, 1), batch(90n, 6));
      await expect(open(50n, three).next()).rejects.toMatchObject(truncated(20n, 50n, 1));
    }
    brokers.epochEnd = onlyFirst(15n);
    await expect(open(50n, three).next()).rejects.toMatchObject(truncated(15n, 50n, 1));
  });

  test('it holds an epoch that was not read: it is asked for the one before that', async () => {
    brokers.leaderEpoch = 6;
    const ends = new Map([
      [4, { leaderEpoch: 2, endOffset: 45n }],
      [1, { leaderEpoch: 1, endOffset: 12n }],
    ]);
    brokers.epochEnd = ({ leaderEpoch }) => ends.get(leaderEpoch) ?? {};
    const feed = open(50n, read(4, 20n, { epoch: 1, startOffset: 0n }));
    await expect(feed.next()).rejects.toMatchObject(truncated(12n, 50n, 1));
    expect(brokers.questions.map(({ leaderEpoch }) => leaderEpoch)).toEqual([4, 1]);
  });

  test('nothing that is known to have been read is in it: that is said', async () => {
    brokers.leaderEpoch = 6;
    brokers.epochEnd = () => ({ leaderEpoch: 2, endOffset: 45n });
    await expect(open(50n, read(3, 30n)).next()).rejects.toThrow('it may differ there already');
  });

  test('a leader that does not answer for the epoch before is asked again', async () => {
    brokers.leaderEpoch = 6;
    const errors = [6];
    brokers.epochEnd = ({ leaderEpoch }) => {
      if (leaderEpoch === 4) return { leaderEpoch: 2, endOffset: 45n };
      return errors.length > 0 ? { errorCode: errors.pop()! } : { endOffset: 12n };
    };
    const feed = open(50n, read(4, 20n, { epoch: 1, startOffset: 0n }));
    await expect(feed.next()).rejects.toMatchObject(truncated(12n, 50n, 1));
  });

  test('after a reconnection with the same epoch: data of the new connection is not taken', async () => {
    serve(() => 0);
    const feed = open(0n, null);
    expect((await feed.next()).nextOffset).toBe(1n);
    const fetch = brokers.fetch.bind(brokers);
    let answered = 0;
    brokers.fetch = async (...asked) => {
      const response = await fetch(...asked);
      answered += 1;
      // The broker was restarted with a log that was cut by hand; the client has connected again in the
      // middle.
      if (answered === 1) brokers.connects += 1;
      brokers.epochEnd = () => ({ leaderEpoch: 0, endOffset: 1n });
      return response;
    };
    await expect(
      (async () => {
        for (;;) await feed.next();
      })(),
    ).rejects.toMatchObject({ code: 'SOURCE_TRUNCATED', fields: { divergedAt: 1n } });
  });

  test('at a checkpoint, where the connection is another one', async () => {
    serve(() => 0);
    const feed = open(0n, null);
    await feed.next();
    const position = { offset: 1n, read: read(0, 0n) };
    await feed.verify(position);
    brokers.answer = () => ({});
    brokers.connects += 1;
    brokers.epochEnd = () => ({ leaderEpoch: 0, endOffset: 0n });
    await expect(feed.verify(position)).rejects.toMatchObject({ code: 'SOURCE_TRUNCATED' });
  });

  test('behind the end of the log, stable: where the log ends, not where its replicas agree', async () => {
    brokers.answer = () => ({ errorCode: 1 });
    brokers.at = () =>
      Promise.resolve({
        responses: [{ topic: TOPIC, partitions: [{ partition: 0, offset: '0' }] }],
      }) as never;
    brokers.epochEnd = () => ({ endOffset: 30n });
    await expect(open(50n, null).next()).rejects.toMatchObject(truncated(30n, 50n, null));
  });

  test('of a cluster restored from an older copy: its leader epoch stays behind what was read', async () => {
    brokers.leaderEpoch = 2;
    brokers.epochEnd = ({ leaderEpoch }) =>
      leaderEpoch > 2 ? { leaderEpoch: -1, endOffset: -1n } : { leaderEpoch: 2, endOffset: 80n };
    await expect(open(50n, read(5, 35n)).next()).rejects.toMatchObject(truncated(35n, 50n, null));
    expect(warnings.join()).toContain('behind epoch 5');
  });

  test('and lacks more than the epoch that was read last', async () => {
    brokers.leaderEpoch = 2;
    brokers.epochEnd = ({ leaderEpoch }) =>
      leaderEpoch > 2 ? { leaderEpoch: -1, endOffset: -1n } : { leaderEpoch, endOffset: 80n };
    const earlier = [
      { epoch: 2, startOffset: 0n },
      { epoch: 4, startOffset: 25n },
    ];
    await expect(open(50n, read(5, 35n, ...earlier)).next()).rejects.toMatchObject(truncated(25n, 50n, 2));
  });
});

describe('a compacted log whose replica was built anew', () => {
  const empty = (offset: bigint, leaderEpoch: number): Buffer => {
    const bytes = buildBatch({ baseOffset: offset, records: [], lastOffsetDelta: 4 });
    bytes.writeInt32BE(leaderEpoch, 12);
    return bytes;
  };
  const two = read(4, 30n, { epoch: 1, startOffset: 0n }, { epoch: 3, startOffset: 20n });

  beforeEach(() => {
    brokers.leaderEpoch = 6;
    // Every batch of the epochs 3 and 4 is gone; what follows them begins at 60.
    brokers.epochEnd = ({ leaderEpoch }) =>
      leaderEpoch < 6 ? { leaderEpoch: 1, endOffset: 60n } : { leaderEpoch, endOffset: 61n };
  });

  test('does not know the epoch read last, and has nothing in its place: it is read on', async () => {
    log(batch(10n, 1), batch(60n, 6));
    expect(await open(50n, two).next()).toMatchObject({
      fetchedOffset: 50n,
      nextOffset: 61n,
      leaderEpoch: 6,
    });
    // Asked for from where the first of the epochs began that it does not know.
    expect(brokers.requests.map(({ request }) => request.partitions[0]?.fetchOffset).slice(0, 2)).toEqual([
      20n,
      50n,
    ]);
    expect(brokers.requests[0]?.request.isUncommitted).toBe(true);
  });

  test('empty batches and control records in its place are nothing', async () => {
    const marker = buildMarker(30n, 7n, 'abort');
    log(batch(10n, 1), empty(20n, 1), marker, batch(60n, 6));
    const first = open(50n, two);
    expect((await first.next()).fetchedOffset).toBe(50n);
    await first.close();
    brokers.answer = ({ fetchOffset }) => ({
      lastStableOffset: 61n,
      records: fetchOffset <= 30n ? marker : batch(60n, 6),
    });
    expect((await open(50n, two).next()).fetchedOffset).toBe(50n);
  });

  test.each([20n, 49n])('a record at %i in its place is of another log', async (offset) => {
    log(batch(10n, 1), batch(offset, 1), batch(60n, 6));
    await expect(open(50n, two).next()).rejects.toMatchObject(truncated(20n, 50n, 1));
  });

  test('so is a damaged batch; behind what was read it is told when it is read', async () => {
    const damaged = (offset: bigint): Buffer => Buffer.from(batch(offset, 1)).fill(7, 62);
    log(batch(10n, 1), damaged(25n), batch(60n, 6));
    await expect(open(50n, two).next()).rejects.toMatchObject(truncated(20n, 50n, 1));
    log(batch(10n, 1), damaged(60n));
    await expect(open(50n, two).next()).rejects.toMatchObject({ code: 'SOURCE_BATCH_CORRUPT' });
  });

  test('an answer without a batch proves nothing: it is asked again', async () => {
    const answers = [Buffer.alloc(0), batch(60n, 6)];
    brokers.answer = ({ fetchOffset }) => ({
      lastStableOffset: 61n,
      records: fetchOffset < 50n && answers.length > 1 ? answers.shift()! : batch(60n, 6),
    });
    expect((await open(50n, two).next()).fetchedOffset).toBe(50n);
    expect(answers).toHaveLength(1);
  });

  test("retention has taken its place, too: what follows is compared from the log's start", async () => {
    log(batch(60n, 6));
    const { answer } = brokers;
    brokers.answer = (asked, ...more) =>
      asked.fetchOffset < 45n ? { errorCode: 1 } : answer(asked, ...more);
    const partitions = [{ partition: 0, offset: '45' }];
    brokers.at = () => Promise.resolve({ responses: [{ topic: TOPIC, partitions }] }) as never;
    expect((await open(50n, two).next()).fetchedOffset).toBe(50n);
  });

  test('at a checkpoint', async () => {
    log(batch(60n, 6));
    const feed = open(60n, null);
    await feed.next();
    brokers.connects += 1;
    await feed.verify({ offset: 50n, read: two });
    log(batch(40n, 1), batch(60n, 6));
    await expect(feed.verify({ offset: 50n, read: two })).rejects.toMatchObject({ code: 'SOURCE_TRUNCATED' });
  });
});

describe('no proof', () => {
  test('errors 74 and 75 for a moment: metadata are refreshed, and reading goes on', async () => {
    brokers.leaderEpoch = 4;
    serve(() => 4);
    const errors = [74, 75, 6];
    brokers.epochEnd = () => ({ errorCode: errors.shift() ?? 0 });
    expect((await open(50n, read(3, 20n)).next()).fetchedOffset).toBe(50n);
    expect([errors, brokers.metadataAsked]).toEqual([[], 4]);
  });

  test('metadata that are behind for a moment', async () => {
    brokers.leaderEpoch = 4;
    serve(() => 5);
    const next = open(50n, read(5, 20n)).next();
    while (brokers.metadataAsked < 2) await turn();
    expect(brokers.requests).toEqual([]);
    brokers.leaderEpoch = 5;
    expect((await next).fetchedOffset).toBe(50n);
  });

  test('error 75 that stays, from a log that holds what was read', async () => {
    brokers.leaderEpoch = 4;
    brokers.epochEnd = ({ currentLeaderEpoch }) => ({ errorCode: currentLeaderEpoch === -1 ? 0 : 75 });
    const next = open(50n, read(3, 20n)).next();
    while (!brokers.questions.some(({ currentLeaderEpoch }) => currentLeaderEpoch === -1)) await turn();
    brokers.epochEnd = () => ({});
    serve(() => 4);
    expect((await next).fetchedOffset).toBe(50n);
  });

  test('a broker that does not know the epochs: told once', async () => {
    serve(() => 0);
    brokers.epochEnd = () => ({ leaderEpoch: -1, endOffset: -1n });
    expect((await open(5n, read(0, 0n)).next()).fetchedOffset).toBe(5n);
    expect(warnings.filter((message) => message.includes('does not know the leader epochs'))).toHaveLength(1);
  });
});

test('the request and its answer on the wire', () => {
  const reader = new WireReader(
    encodeEpochEndRequest([{ topic: 'orders', partition: 3, currentLeaderEpoch: 9, leaderEpoch: 7 }]),
  );
  const topics = (replica: number) => [
    replica,
    reader.array(() => [
      reader.string(),
      reader.array(() => [reader.int32(), reader.int32(), reader.int32()]),
    ]),
  ];
  expect(topics(reader.int32())).toEqual([-1, [['orders', [[3, 9, 7]]]]]);
  const writer = new WireWriter().int32(0).int32(1).string('orders').int32(1);
  writer.int16(0).int32(3).int32(6).int64(123n);
  expect(decodeEpochEndResponse(writer.toBuffer()).ends).toEqual([
    { topic: 'orders', errorCode: 0, partition: 3, leaderEpoch: 6, endOffset: 123n },
  ]);
});
