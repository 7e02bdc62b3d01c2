/** Drawn events and entries: what a journal may hold. */
import fc from 'fast-check';
import { type Entry } from '../../../journal/entry.ts';
import { FORMAT_OF_MOST, ENTRY_VERSION } from '../../../journal/entryFormats.ts';
import { ROLL_REASONS, type EventOf, type JournalEvent } from '../../../journal/events.ts';
import { claimId, crc64Hex, entryHash, journalId, partId } from '../../../journal/ids.ts';

const HEX_DIGITS = '0123456789abcdef'.split('');
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...HEX_DIGITS), minLength: length, maxLength: length });
const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const count = fc.nat();
const part = hex(32).map(partId);
const text = fc.string({ unit: 'grapheme' });
/** Without the key `__proto__`, which the checks of an entry leave out: nobody writes one. */
const handle = fc
  .jsonValue()
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('__proto__', 'proto')) as never);

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

const truncation = { divergedAt: offset, leaderEpoch: fc.option(count) };
const witnessed = fc.record({
  ...{ source: fc.constantFrom('group', 'destination'), journalId: hex(16).map(journalId) },
  ...{ seq: count, hash: hex(64).map(entryHash) },
});

const epochStart = fc.record({ epoch: count, startOffset: offset });

const completed = {
  ...{ checkpoint: count, nextOffset: offset, recordsRead: count, checkpointParts: count },
  ...{ leaderEpoch: fc.option(count), leaderEpochStart: fc.option(offset) },
  ...{ recordsSkipped: fc.record({ nullValue: count }), parts: fc.array(partChange, { maxLength: 3 }) },
};

/** One for every type of event: a new type does not compile without its own. */
const events: { readonly [T in JournalEvent['type']]: fc.Arbitrary<Omit<EventOf<T>, 'type'>> } = {
  jobStarted: fc.record({
    ...{ fingerprint: text, version: text, groupId: fc.option(text), clusterId: fc.option(text) },
    topics: fc.array(
      fc.record({ topic: text, topicId: fc.option(text), startOffsets: fc.array(offset, { maxLength: 3 }) }),
      { maxLength: 2 },
    ),
    ...{ sinkUri: fc.option(text), config: handle },
    moved: fc.array(fc.constantFrom('sink', 'group'), { maxLength: 2 }),
  }),
  markerMade: fc.record({ sink: text }),
  jobStopped: fc.record({ reason: fc.constantFrom('signal', 'end', 'failure') }),
  epochClaimed: fc.record({ epoch: count, claimId: hex(32).map(claimId), startOffset: offset }),
  partOpened: fc.record({
    ...{ partId: part, bucket: text, finalUri: text, temporaryUri: text },
    ...{
      format: fc.constant('text' as const),
      firstOffset: offset,
      generation: count.map((n) => n + 1),
      openedAtMs: count,
    },
  }),
  partStarted: fc.record({ partId: part, handle }),
  partMoved: fc.record({ partId: part, fromUri: text, toUri: text }),
  checkpointPart: fc.record({
    ...{ checkpoint: count, index: count, parts: fc.array(partChange, { maxLength: 3 }) },
  }),
  checkpointCompleted: fc.oneof(
    fc.record(completed),
    fc.record({ ...completed, earlierLeaderEpochs: fc.array(epochStart, { maxLength: 3 }) }),
    fc.record({ ...completed, recordsAlreadyHeld: count }),
  ),
  partCommitted: fc.record({ partId: part }),
  partDiscarded: fc.record({ partId: part }),
  partitionStopped: fc.record({
    ...{ code: text, message: text, fromOffset: fc.option(offset), toOffset: fc.option(offset) },
    files: fc.array(text, { maxLength: 2 }),
    truncation: fc.option(fc.record(truncation)),
  }),
  partitionRetired: fc.record({}),
  rollRequested: fc.record({ requestId: count }),
  resumeRequested: fc.record({ requestId: count }),
  lossAccepted: fc.record({ requestId: count, fromOffset: offset, toOffset: offset }),
  logTruncationAccepted: fc.record({ requestId: count, ...truncation }),
  witnessAnswered: fc.record({
    ...{ requestId: count, answer: fc.constantFrom('from-journal', 'from-witness') },
    witnesses: fc.array(witnessed, { maxLength: 2 }),
    loss: fc.option(fc.record({ fromOffset: offset, toOffset: offset })),
  }),
  partsDamaged: fc.record({ requestId: count, index: count, parts: fc.array(part, { maxLength: 3 }) }),
  partitionRewound: fc.record({
    ...{ requestId: count, nextOffset: offset, placing: text, damagedParts: count },
    givenUp: fc.array(fc.record({ fromOffset: offset, toOffset: offset }), { maxLength: 2 }),
    parts: fc.array(part, { maxLength: 3 }),
  }),
  requestRefused: fc.record({ requestId: count, reason: text }),
};

export const anyEvent: fc.Arbitrary<JournalEvent> = fc.oneof(
  ...Object.entries(events).map(([type, fields]) =>
    (fields as fc.Arbitrary<object>).map((drawn) => ({ type, ...drawn }) as JournalEvent),
  ),
);

export const anyEntry: fc.Arbitrary<Entry> = fc.record({
  v: fc.constant(ENTRY_VERSION),
  minReader: fc.constant(FORMAT_OF_MOST),
  job: text,
  topic: text,
  partition: fc.integer({ min: -1, max: 100_000 }),
  epoch: count,
  claimId: hex(32).map(claimId),
  seq: fc.nat().map((n) => n + 1),
  at: fc.constant('2024-01-01T00:00:00.000Z'),
  prevHash: hex(64).map(entryHash),
  events: fc.array(anyEvent, { maxLength: 4 }),
});
