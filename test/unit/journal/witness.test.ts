import { describe, expect, test } from 'vitest';
import { claimId, entryHash, journalId } from '../../../journal/ids.ts';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import {
  checkWitness,
  encodeWitness,
  isForeignText,
  parseWitness,
  parseWitnessName,
  witnessError,
  witnessName,
  WitnessWatch,
  type PlacedWitness,
  type Witness,
} from '../../../journal/witness.ts';
import { chain, JOB, replayAll, subjectOf } from './fixtures.ts';

const id = journalId('journal-one');
const hash = entryHash('a'.repeat(64));
const witness: Witness = { job: JOB, journalId: id, seq: 3, hash, nextOffset: 120n };
const tail = { revision: 9, seq: 5, hash: entryHash('b'.repeat(64)) };
const agreeing = { witness, job: JOB, journalId: id, tail, hashAtSeq: hash };

describe('a witness as text', () => {
  test('is read back as it was written, compact enough for the metadata of an offset commit', () => {
    const text = encodeWitness(witness);
    expect(parseWitness(text)).toEqual(witness);
    expect(text).not.toMatch(/\s/);
    expect(text.length).toBeLessThan(400);
  });

  test.each([null, '', 'kafkajs', '{', '7', 'null', '[]', '{"some":"other program"}'])(
    'metadata of another program, %j, is no witness',
    (text) => {
      expect(parseWitness(text)).toBeNull();
    },
  );

  test.each(['{"tidemark":2}', '{"tidemark":1}', encodeWitness(witness).replace('"seq":3', '"seq":"3"')])(
    'what says that it is a witness and cannot be read, %j, is not taken for an absent one',
    (text) => {
      expect(() => parseWitness(text)).toThrow(expect.objectContaining({ code: 'WITNESS_UNREADABLE' }));
    },
  );
});

describe('judging a journal by its witness', () => {
  test.each([
    { verdict: 'agrees', check: agreeing },
    { verdict: 'agrees', check: { ...agreeing, tail: { ...tail, seq: 3, hash } } },
    { verdict: 'absent', check: { ...agreeing, witness: null, hashAtSeq: null } },
    { verdict: 'journal-behind', check: { ...agreeing, tail: { ...tail, seq: 2 }, hashAtSeq: null } },
    { verdict: 'other-journal', check: { ...agreeing, journalId: journalId('journal-two') } },
    { verdict: 'other-journal', check: { ...agreeing, job: 'another' } },
    { verdict: 'hash-differs', check: { ...agreeing, hashAtSeq: tail.hash } },
  ] as const)('$verdict', ({ verdict, check }) => {
    expect(checkWitness(check)).toBe(verdict);
  });

  test('another journal is another one, also where it is shorter or holds other entries', () => {
    const other = { ...agreeing, journalId: journalId('journal-two'), hashAtSeq: null };
    expect(checkWitness({ ...other, tail: { ...tail, seq: 1 } })).toBe('other-journal');
  });

  test('nothing remembered of the entry in question is a bug, no agreement', () => {
    expect(() => checkWitness({ ...agreeing, hashAtSeq: null })).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
  });

  test.each([
    { verdict: 'other-journal', code: 'JOURNAL_REPLACED' },
    { verdict: 'journal-behind', code: 'JOURNAL_ROLLED_BACK' },
    { verdict: 'hash-differs', code: 'JOURNAL_ROLLED_BACK' },
  ] as const)('$verdict stops the partition with $code', ({ verdict, code }) => {
    const error = witnessError(verdict, witness, 'events/0');
    expect(error).toMatchObject({ code, retry: 'operator' });
    expect(error?.message).toContain('events/0');
  });

  test.each(['agrees', 'absent'] as const)('%s lets it go on', (verdict) => {
    expect(witnessError(verdict, witness, 'events/0')).toBeNull();
  });
});

describe('watching for the witness during a replay', () => {
  const subject = subjectOf();

  async function verdictAfter(entries: readonly Uint8Array[], seen: Witness | null): Promise<string> {
    const journal = createMemoryJournal();
    for (const bytes of entries) await journal.fileRequest(subject, bytes);
    const watch = new WitnessWatch(seen, { job: JOB, journalId: journal.id });
    for (const { tail } of await replayAll(journal, subject)) watch.see(tail);
    return watch.verdict();
  }

  async function witnessOf(entries: readonly Uint8Array[], seq: number): Promise<Witness> {
    const journal = createMemoryJournal();
    for (const bytes of entries) await journal.fileRequest(subject, bytes);
    const at = (await replayAll(journal, subject)).find((replayed) => replayed.tail.seq === seq);
    if (at === undefined) throw new Error(`no entry ${seq}`);
    return { job: JOB, journalId: journal.id, seq, hash: at.tail.hash, nextOffset: null };
  }

  test('the hash that matters is remembered although the replay passed it long ago', async () => {
    const entries = chain(10);
    for (const seq of [1, 4, 10])
      expect(await verdictAfter(entries, await witnessOf(entries, seq))).toBe('agrees');
  });

  test('a journal behind its witness is seen, also where it lacks the very last entry only', async () => {
    const entries = chain(10);
    expect(await verdictAfter(entries.slice(0, 9), await witnessOf(entries, 10))).toBe('journal-behind');
  });

  test('a journal that went back and grew anew is seen', async () => {
    const regrown = chain(10, (entry) => (entry.seq < 6 ? entry : { ...entry, at: 'later' }));
    expect(await verdictAfter(regrown, await witnessOf(chain(10), 5))).toBe('agrees');
    expect(await verdictAfter(regrown, await witnessOf(chain(10), 6))).toBe('hash-differs');
  });

  test('a verdict before the own claim is seen is refused', () => {
    const watch = new WitnessWatch(null, { job: JOB, journalId: id });
    expect(() => watch.verdict()).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('a witness beside a committed offset that a client has changed', () => {
  const text = encodeWitness(witness);

  test.each([`${text}\0`, `${text}\n`, `${text} \0\0`])(
    'is read where something without meaning was put behind it',
    (changed) => {
      expect(parseWitness(changed)).toEqual(witness);
    },
  );

  test.each([text.slice(0, -1), JSON.stringify(text), text.replace('{', ''), text.toUpperCase(), `${text}x`])(
    'is no absent one where it cannot be read: %j',
    (changed) => {
      expect(() => parseWitness(changed)).toThrow(expect.objectContaining({ code: 'WITNESS_UNREADABLE' }));
    },
  );

  test.each([
    ['', false],
    [null, false],
    ['\0', false],
    ['\0\0', false],
    [' \n', false],
    ['consumer-1', true],
    ['{"some":"other program"}', true],
    [text, false],
  ])('%j is text of another program: %j', (metadata, isForeign) => {
    expect(isForeignText(metadata)).toBe(isForeign);
  });

  test('is shown where it cannot be read, but not at any length', () => {
    const long = `{"tidemark":"${'x'.repeat(4_000)}`;
    const message = /^The witness .* of a newer Tidemark: "\{\\"tidemark\\":\\"x{280,300}"\. /;
    expect(() => parseWitness(long)).toThrow(message);
  });

  test('of an earlier version tells no offset', () => {
    const { next, ...before } = JSON.parse(text) as Record<string, unknown>;
    expect(next).toBe('120');
    expect(parseWitness(JSON.stringify(before))).toEqual({ ...witness, nextOffset: null });
  });
});

describe('a witness at the destination', () => {
  const placed: PlacedWitness = {
    ...{ epoch: 7, claimId: claimId('c'.repeat(32)), seq: 42, attempt: 1, hash, journalId: id },
    nextOffset: 9_223_372_036_854_775_807n,
  };

  test('is read back from its name, which fits every file system', () => {
    expect(parseWitnessName(witnessName(placed), 'file:///lake')).toEqual(placed);
    const longest = { ...placed, epoch: 2 ** 53 - 1, seq: 2 ** 53 - 1, journalId: journalId('j'.repeat(64)) };
    expect(witnessName(longest).length).toBeLessThan(255);
    expect(parseWitnessName(witnessName(longest), 'file:///lake')).toEqual(longest);
  });

  test.each(['epoch', 'claimId', 'seq', 'nextOffset', 'attempt', 'hash', 'journalId'] as const)(
    'has another name with another %s',
    (field) => {
      const other = {
        ...placed,
        epoch: 8,
        claimId: claimId('d'.repeat(32)),
        seq: 43,
        nextOffset: 1n,
        attempt: 2,
      };
      const others = { ...other, hash: tail.hash, journalId: journalId('journal-two') };
      expect(witnessName({ ...placed, [field]: others[field] })).not.toBe(witnessName(placed));
    },
  );

  const broken = [witnessName(placed).slice(0, -30), witnessName(placed).replace('-v1-', '-v2-')];
  test.each(['', 'notes.txt', ...broken])('%j is none, and no absent one', (name) => {
    expect(() => parseWitnessName(name, 'file:///lake')).toThrow(
      expect.objectContaining({
        code: 'WITNESS_UNREADABLE',
        fields: { files: [`file:///lake/${name}`] },
      }),
    );
  });
});
