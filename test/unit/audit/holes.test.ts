/** Causes of offsets without a record, from record batches as brokers send them. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Holes } from '../../../src/audit/deep/holes.ts';
import { visitRecords } from '../../../src/audit/deep/sourceRecords.ts';
import { scanRecords, toFetchedBatch } from '../../../src/sources/kafka/records/batches.ts';
import type { AbortedTransaction } from '../../../src/sources/kafka/wire/fetch.ts';
import type { FetchedBatch } from '../../../src/sources/port.ts';
import { buildBatch, buildMarker, valued, type BuiltRecord } from '../sources/kafka/batchBuilder.ts';

const PRODUCER = 7n;

function fetched(
  batches: readonly Buffer[],
  fetchedOffset = 0n,
  abortedTransactions: readonly AbortedTransaction[] = [],
): FetchedBatch {
  const records = Buffer.concat(batches);
  return toFetchedBatch(
    scanRecords({ name: 'a/0', fetchedOffset, lastStableOffset: 1_000n, abortedTransactions, records }),
  );
}

/** Holes of the batches in [first fetchedOffset, to), as a comparison meets them. */
async function holesOf(
  batches: readonly FetchedBatch[],
  { isCompacted = null as boolean | null, to = batches.at(-1)?.nextOffset ?? 0n } = {},
): Promise<Holes> {
  const holes = new Holes(isCompacted);
  const from = batches[0]?.fetchedOffset ?? 0n;
  let next = from;
  const pass = (offset: bigint): void => {
    if (offset > next) holes.add(next, offset);
    if (offset > next) next = offset;
  };
  for (const batch of batches) {
    holes.begin(batch);
    await visitRecords(batch, { from, to }, (_, offset) => {
      pass(offset);
      next = offset + 1n;
    });
    pass(batch.nextOffset < to ? batch.nextOffset : to);
    holes.end();
  }
  return holes;
}

const kept = (...deltas: readonly number[]): BuiltRecord[] =>
  deltas.map((offsetDelta) => ({ offsetDelta, value: Buffer.from('kept') }));

const NONE = { markers: 0n, aborted: 0n, compacted: 0n, unknown: 0n };

describe('a hole is', () => {
  it('none where every offset has a record', async () => {
    const holes = await holesOf([fetched([buildBatch({ baseOffset: 0n, records: valued('a', 'b') })])]);
    expect([holes.counts, holes.total, holes.unknown]).toEqual([NONE, 0n, []]);
  });

  it('the end of a transaction, and the records of one that was aborted', async () => {
    const batches = [
      buildBatch({ baseOffset: 0n, producerId: PRODUCER, transactional: true, records: valued('a', 'b') }),
      buildMarker(2n, PRODUCER, 'abort'),
      buildBatch({ baseOffset: 3n, producerId: PRODUCER, transactional: true, records: valued('c') }),
      buildMarker(4n, PRODUCER, 'commit'),
    ];
    const holes = await holesOf([fetched(batches, 0n, [{ producerId: PRODUCER, firstOffset: 0n }])]);
    expect(holes.counts).toEqual({ ...NONE, markers: 2n, aborted: 2n });
    expect(holes.total).toBe(4n);
  });

  it('what compaction has removed of a batch, also of one that was aborted, or is compressed', async () => {
    const aborted = { producerId: PRODUCER, transactional: true };
    const gzip = { id: 1, compress: (bytes: Buffer) => gzipSync(bytes) };
    const batches = [
      buildBatch({ baseOffset: 0n, records: kept(1, 3), lastOffsetDelta: 5, codec: gzip }),
      buildBatch({ baseOffset: 6n, records: [], lastOffsetDelta: 2 }),
      buildBatch({ baseOffset: 9n, ...aborted, records: kept(0), lastOffsetDelta: 3 }),
    ];
    const holes = await holesOf([fetched(batches, 0n, [{ producerId: PRODUCER, firstOffset: 9n }])], {
      isCompacted: false,
    });
    expect(holes.counts).toEqual({ ...NONE, compacted: 4n + 3n + 3n, aborted: 1n });
  });

  it('what compaction has removed as whole batches, between two fetches, too', async () => {
    const batches = [
      fetched([
        buildBatch({ baseOffset: 2n, records: valued('a') }),
        buildBatch({ baseOffset: 5n, records: valued('b') }),
      ]),
      fetched([buildBatch({ baseOffset: 9n, records: valued('c') })], 6n),
    ];
    const compacted = await holesOf(batches, { isCompacted: true });
    expect([compacted.counts, compacted.unknown]).toEqual([{ ...NONE, compacted: 7n }, []]);
  });

  it.each([
    [false, 'no batch holds them, and the topic is not compacted'],
    [null, 'no batch holds them, and whether the topic is compacted may not be asked (DescribeConfigs)'],
  ] as const)('unknown where no batch holds it and isCompacted is %s', async (isCompacted, evidence) => {
    const batches = [
      fetched([buildBatch({ baseOffset: 0n, records: valued('a') })]),
      fetched([buildBatch({ baseOffset: 4n, records: valued('b') })], 1n),
    ];
    const holes = await holesOf(batches, { isCompacted });
    expect(holes.counts).toEqual({ ...NONE, unknown: 3n });
    expect(holes.unknown).toEqual([{ from: 1n, to: 4n, holes: 3n, evidence }]);
  });

  it('unknown, and never compaction, where the batch says that it has all its records', async () => {
    const whole = [10n, 14n].map((baseOffset) => buildBatch({ baseOffset, records: kept(0, 1) }));
    const batch = fetched(whole, 10n);
    const lost = { ...batch, records: () => dropping(batch, 1) };
    const holes = await holesOf([lost], { isCompacted: true });
    expect(holes.unknown).toEqual([
      {
        ...{ from: 10n, to: 12n, holes: 1n },
        evidence: 'their batch counts 2 records at 2 offsets, and 1 had none',
      },
    ]);
    expect(holes.counts).toEqual({ ...NONE, compacted: 2n, unknown: 1n });
  });

  it('counted up to the end of the range, and from its begin', async () => {
    const batches = [
      buildBatch({ baseOffset: 0n, records: kept(0, 9) }),
      buildMarker(10n, PRODUCER, 'commit'),
      buildBatch({ baseOffset: 11n, records: kept(9) }),
    ];
    const holes = await holesOf([fetched(batches, 5n)], { to: 15n });
    expect(holes.counts).toEqual({ ...NONE, compacted: 4n + 4n, markers: 1n });
  });

  it('unknown where the source has no spans; neighbours are told together, and no more than some', () => {
    const holes = new Holes(null);
    holes.begin({});
    holes.add(0n, 2n);
    holes.add(2n, 3n);
    for (let at = 10n; at < 100n; at += 2n) holes.add(at, at + 1n);
    holes.end();
    expect(holes.counts).toEqual({ ...NONE, unknown: 48n });
    const evidence = 'the source does not say why';
    expect(holes.unknown[0]).toEqual({ from: 0n, to: 3n, holes: 3n, evidence });
    expect(holes.unknown).toHaveLength(20);
  });
});

/** A reader with a fault: it leaves a record out. */
function dropping(batch: FetchedBatch, index: number) {
  const cursor = batch.records();
  const next = cursor.next.bind(cursor);
  let at = -1;
  cursor.next = () => {
    at += 1;
    return next() && (at !== index || next());
  };
  return cursor;
}

it('spans are of memory that is given back with the batch', () => {
  const batch = fetched([buildBatch({ baseOffset: 0n, records: valued('a') })]);
  expect(batch.spans?.()).toEqual([{ from: 0n, to: 1n, holds: 'records', records: 1 }]);
  batch.release?.();
  expect(() => batch.spans?.()).toThrow('given back');
});
