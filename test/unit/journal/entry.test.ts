import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEntry, encodeEntry, hashEntry } from '../../../journal/entry.ts';
import { ENTRY_VERSION, FORMAT_OF_MOST } from '../../../journal/entryFormats.ts';
import { anyEntry } from './anyEntry.ts';
import type { JournalEvent } from '../../../journal/events.ts';
import { bulky, chain, claimed, flipBit } from './fixtures.ts';

function encodedWith(changes: Record<string, unknown>): Uint8Array {
  const [bytes] = chain(1);
  const raw = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  return new TextEncoder().encode(JSON.stringify({ ...raw, ...changes }));
}

const texts = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

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
      fc.property(anyEntry, (written) => {
        expect(decodeEntry(encodeEntry(written), 'The entry')).toEqual(written);
      }),
      { numRuns: 300 },
    );
  });

  test('whatever bit is flipped, an entry is refused, or has another hash', () => {
    const [bytes = new Uint8Array()] = chain(1);
    fc.assert(
      fc.property(fc.nat({ max: bytes.byteLength - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        const flipped = Uint8Array.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        const error = decodeError(flipped);
        // A flipped digit of the format cannot be told from a newer one: refused as well, until the hash
        // chain is looked at.
        const codes = ['JOURNAL_CORRUPT', 'JOURNAL_NEWER'];
        if (error !== null)
          expect(error).toMatchObject({ code: expect.toBeOneOf(codes) as string, retry: 'operator' });
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
    { what: 'of a version that is no number', bytes: encodedWith({ v: 'two' }) },
    { what: 'of an earlier version as text', bytes: encodedWith({ v: '1' }) },
    { what: 'of an earlier version without a list of events', bytes: encodedWith({ v: 1, events: {} }) },
    { what: 'of an earlier version with null for an event', bytes: encodedWith({ v: 1, events: [null] }) },
    { what: 'of an earlier version with a number for an event', bytes: encodedWith({ v: 1, events: [7] }) },
    { what: 'without the reader that it needs', bytes: encodedWith({ minReader: undefined }) },
    { what: 'that needs a reader that is no number', bytes: encodedWith({ minReader: '2' }) },
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

  test('the error says what is wrong: no JSON, or the field and why', () => {
    const noJson = decodeError(new TextEncoder().encode('{"v":1'));
    expect(noJson).toMatchObject({ message: expect.stringContaining('is not JSON') as string });
    expect(noJson).toHaveProperty('cause', expect.any(SyntaxError));
    expect(decodeError(encodedWith({ seq: 0 }))).toMatchObject({
      message: expect.stringMatching(/is not a valid entry \(seq: .+\): restore/) as string,
    });
    expect(decodeError(encodedWith({ prevHash: 'xyz' }))).toHaveProperty('cause', expect.any(Error));
  });

  test.each([undefined, ENTRY_VERSION + 1])(
    'an entry of a newer format that needs reader %s asks for an upgrade instead of being guessed at',
    (minReader) => {
      const error = decodeError(encodedWith({ v: ENTRY_VERSION + 1, minReader }));
      expect(error).toMatchObject({
        ...{ code: 'JOURNAL_NEWER', retry: 'operator' },
        fields: { format: ENTRY_VERSION + 1, formatMax: ENTRY_VERSION },
      });
      expect(String(error)).toMatch(/newer Tidemark.*Upgrade/);
    },
  );

  test.each([
    {
      what: 'says that it may be read and holds an event that nobody knows',
      v: ENTRY_VERSION + 1,
      minReader: 2,
    },
    { what: 'is of this format and asks for a newer reader', v: ENTRY_VERSION, minReader: ENTRY_VERSION + 1 },
  ])('an entry that $what asks for an upgrade', ({ v, minReader }) => {
    const events = v > ENTRY_VERSION ? [{ type: 'partTeleported' }] : [claimed()];
    expect(
      decodeError(
        encodedWith({ v, minReader, events: JSON.parse(JSON.stringify(events, texts)) as unknown }),
      ),
    ).toMatchObject({ code: 'JOURNAL_NEWER' });
  });

  test('an entry of a newer format that may be read is read, without the fields that are unknown', () => {
    const bytes = encodedWith({ v: ENTRY_VERSION + 7, minReader: FORMAT_OF_MOST, colour: 'red' });
    const [plain = new Uint8Array()] = chain(1);
    expect(decodeEntry(bytes, 'it')).toEqual(decodeEntry(plain, 'it'));
  });

  test('an entry of format 1 is read in the shape of today', () => {
    const started: JournalEvent = {
      ...{
        type: 'jobStarted',
        fingerprint: 'f',
        version: '0.1.0',
        groupId: null,
        clusterId: null,
        topics: [],
      },
      ...{ sinkUri: null, config: null, moved: [] },
    };
    const events = [
      { ...started, sinkUri: undefined, config: undefined, moved: undefined },
      { ...bulky(1), firstOffset: '0', generation: undefined },
    ];
    const {
      v,
      minReader,
      events: read,
    } = decodeEntry(encodedWith({ v: 1, minReader: undefined, events }), 'it');
    expect({ v, minReader }).toEqual({ v: ENTRY_VERSION, minReader: 1 });
    expect(read).toEqual([started, bulky(1)]);
  });

  test('the hash covers every byte', () => {
    const [bytes = new Uint8Array()] = chain(1);
    expect(hashEntry(flipBit(bytes, bytes.byteLength - 1))).not.toBe(hashEntry(bytes));
    expect(hashEntry(bytes)).toMatch(/^[0-9a-f]{64}$/);
  });
});
