import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEntry, encodeEntry, ENTRY_VERSION, hashEntry, type Entry } from '../../../journal/entry.ts';
import { ROLL_REASONS, type EventOf, type JournalEvent } from '../../../journal/events.ts';
import { claimId, crc64Hex, entryHash, partId } from '../../../journal/ids.ts';
import { chain, claimed, flipBit } from './fixtures.ts';

const HEX_DIGITS = '0123456789abcdef'.split('');
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...HEX_DIGITS), minLength: length, maxLength: length });
const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const count = fc.nat();
const part = hex(32).map(partId);
const text = fc.string({ unit: 'grapheme' });
const handle = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as never);

const partChange = fc.record({
  partId: part,
  state: fc.constantFrom('inProgress', 'pending'),
  length: count,
  records: count,
  firstOffset: offset,
  lastOffset: offset,
  crc64: hex(16).map(crc64Hex),
  handle,
  roll: fc.option(fc.record({ reason: fc.constantFrom(...ROLL_REASONS), atMs: count })),
});

/** One for every type of event: a new type does not compile without its own. */
const events: { readonly [T in JournalEvent['type']]: fc.Arbitrary<Omit<EventOf<T>, 'type'>> } = {
  jobStarted: fc.record({
    ...{ fingerprint: text, version: text, groupId: fc.option(text), clusterId: fc.option(text) },
    topics: fc.array(
      fc.record({ topic: text, topicId: fc.option(text), startOffsets: fc.array(offset, { maxLength: 3 }) }),
      { maxLength: 2 },
    ),
  }),
  jobStopped: fc.record({ reason: fc.constantFrom('signal', 'end', 'failure') }),
  epochClaimed: fc.record({ epoch: count, claimId: hex(32).map(claimId), startOffset: offset }),
  partOpened: fc.record({
    ...{ partId: part, bucket: text, finalUri: text, temporaryUri: text },
    ...{ format: fc.constant('text' as const), firstOffset: offset, openedAtMs: count },
  }),
  partStarted: fc.record({ partId: part, handle }),
  partMoved: fc.record({ partId: part, fromUri: text, toUri: text }),
  checkpointPart: fc.record({
    ...{ checkpoint: count, index: count, parts: fc.array(partChange, { maxLength: 3 }) },
  }),
  checkpointCompleted: fc.record({
    ...{ checkpoint: count, nextOffset: offset, recordsRead: count, checkpointParts: count },
    ...{ recordsSkipped: fc.record({ nullValue: count }), parts: fc.array(partChange, { maxLength: 3 }) },
  }),
  partCommitted: fc.record({ partId: part }),
  partDiscarded: fc.record({ partId: part }),
  partitionStopped: fc.record({
    ...{ code: text, message: text, fromOffset: fc.option(offset), toOffset: fc.option(offset) },
    files: fc.array(text, { maxLength: 2 }),
  }),
  rollRequested: fc.record({ requestId: count }),
  resumeRequested: fc.record({ requestId: count }),
  lossAccepted: fc.record({ requestId: count, fromOffset: offset, toOffset: offset }),
  requestRefused: fc.record({ requestId: count, reason: text }),
};

const event = fc.oneof(
  ...Object.entries(events).map(([type, fields]) =>
    (fields as fc.Arbitrary<object>).map((drawn) => ({ type, ...drawn }) as JournalEvent),
  ),
);

const entry: fc.Arbitrary<Entry> = fc.record({
  v: fc.constant(ENTRY_VERSION),
  job: text,
  topic: text,
  partition: fc.integer({ min: -1, max: 100_000 }),
  epoch: count,
  claimId: hex(32).map(claimId),
  seq: fc.nat().map((n) => n + 1),
  at: fc.constant('2024-01-01T00:00:00.000Z'),
  prevHash: hex(64).map(entryHash),
  events: fc.array(event, { maxLength: 4 }),
});

function encodedWith(changes: Record<string, unknown>): Uint8Array {
  const [bytes] = chain(1);
  const raw = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  return new TextEncoder().encode(JSON.stringify({ ...raw, ...changes }));
}

function decodeError(bytes: Uint8Array): unknown {
  try {
    decodeEntry(bytes, 'Entry 7 of job.partition.t.0');
    return null;
  } catch (error) {
    return error;
  }
}

describe('the entry codec', () => {
  test('every entry is read back as it was written, offsets of 63 bits included', () => {
    fc.assert(
      fc.property(entry, (written) => {
        expect(decodeEntry(encodeEntry(written), 'The entry')).toEqual(written);
      }),
      { numRuns: 300 },
    );
  });

  test('whatever bit is flipped, an entry is refused as corrupt or has another hash', () => {
    const [bytes = new Uint8Array()] = chain(1);
    fc.assert(
      fc.property(fc.nat({ max: bytes.byteLength - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        const flipped = Uint8Array.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        const error = decodeError(flipped);
        if (error !== null) expect(error).toMatchObject({ code: 'JOURNAL_CORRUPT', retry: 'operator' });
        expect(hashEntry(flipped)).not.toBe(hashEntry(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    { what: 'no JSON', bytes: new TextEncoder().encode('{"v":1') },
    { what: 'no UTF-8', bytes: Uint8Array.from([0xff, 0xfe]) },
    { what: 'JSON, but no object', bytes: new TextEncoder().encode('7') },
    { what: 'JSON null', bytes: new TextEncoder().encode('null') },
    { what: 'without its version', bytes: encodedWith({ v: undefined }) },
    { what: 'of a version that never was', bytes: encodedWith({ v: 0 }) },
    { what: 'without its sequence', bytes: encodedWith({ seq: undefined }) },
    { what: 'with sequence 0', bytes: encodedWith({ seq: 0 }) },
    { what: 'with a claim id that is none', bytes: encodedWith({ claimId: 'xyz' }) },
    { what: 'with a hash that is none', bytes: encodedWith({ prevHash: 'xyz' }) },
    { what: 'with an unknown event', bytes: encodedWith({ events: [{ type: 'partTeleported' }] }) },
    {
      what: 'with a broken part id',
      bytes: encodedWith({ events: [{ type: 'partCommitted', partId: '?' }] }),
    },
    {
      what: 'with an offset that is a number',
      bytes: encodedWith({ events: [{ ...claimed(), startOffset: 5 }] }),
    },
  ])('an entry $what is refused as corrupt and named', ({ bytes }) => {
    const error = decodeError(bytes);
    expect(error).toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(String(error)).toContain('Entry 7 of job.partition.t.0');
  });

  test('an entry of a newer format asks for an upgrade instead of being guessed at', () => {
    const error = decodeError(encodedWith({ v: ENTRY_VERSION + 1 }));
    expect(error).toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(String(error)).toMatch(/newer Tidemark.*Upgrade/);
  });

  test('the hash covers every byte', () => {
    const [bytes = new Uint8Array()] = chain(1);
    expect(hashEntry(flipBit(bytes, bytes.byteLength - 1))).not.toBe(hashEntry(bytes));
    expect(hashEntry(bytes)).toMatch(/^[0-9a-f]{64}$/);
  });
});
