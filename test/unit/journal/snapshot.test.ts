import { hash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entryHash, journalId } from '../../../journal/ids.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../../../journal/snapshot.ts';
import { flipBit, subjectOf } from './fixtures.ts';

function snapshot(state: unknown): Snapshot {
  return {
    journalId: journalId('the-journal'),
    subject: subjectOf(),
    foldVersion: 7,
    tail: { revision: 12, seq: 3, hash: entryHash('b'.repeat(64)) },
    state,
  };
}

describe('the snapshot codec', () => {
  test('whatever plain data it holds comes back, bigints and odd texts too', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u0001', '\u0001n12', '\u0001s', '\u0001\u0001n5'),
      fc.bigInt(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    );
    const key = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(leaf, fc.array(tie('tree')), fc.dictionary(key, tie('tree'), { noNullPrototype: true })),
    }));
    fc.assert(
      fc.property(tree, (state) => {
        expect(decodeSnapshot(encodeSnapshot(snapshot(state)))).toEqual(snapshot(state));
      }),
    );
  });

  test('a large one is deflated and comes back', () => {
    const state = Array.from({ length: 5_000 }, (_, index) => ({
      uri: `file:///lake/hour/part-clicks-0-${index}`,
    }));
    const bytes = encodeSnapshot(snapshot(state));
    expect(bytes.byteLength).toBeLessThan(64 * 1024);
    expect(decodeSnapshot(bytes)).toEqual(snapshot(state));
  });

  test('a small one is plain JSON behind its digest', () => {
    const bytes = encodeSnapshot(snapshot('small'));
    expect(JSON.parse(Buffer.from(bytes.subarray(32)).toString())).toMatchObject({
      format: 1,
      state: 'small',
    });
  });

  test('whatever bit is flipped, wherever it is cut: it is none', () => {
    const bytes = encodeSnapshot(snapshot({ nextOffset: 12n }));
    for (let at = 0; at < bytes.byteLength; at += 1) {
      expect(decodeSnapshot(flipBit(bytes, at))).toBeNull();
      expect(decodeSnapshot(bytes.subarray(0, at))).toBeNull();
    }
  });

  test.each([
    ['no JSON', Buffer.from('{"format":1')],
    ['neither JSON nor deflated', Buffer.from('snapshot')],
    ['deflated, but no JSON', deflateSync('snapshot')],
    ['an offset that is no number', Buffer.from('{"format":1,"state":"\\u0001nx"}')],
    ['nothing', Buffer.alloc(0)],
  ])('bytes with the right digest that are %s are none', (_what, body) => {
    expect(decodeSnapshot(Buffer.concat([hash('sha256', body, 'buffer'), body]))).toBeNull();
  });

  test('what is sound but says nothing that is known is none', () => {
    expect(decodeSnapshot(encodeSnapshot({ ...snapshot(1), format: 2 } as Snapshot))).toBeNull();
    expect(decodeSnapshot(encodeSnapshot({ ...snapshot(1), tail: null as never }))).toBeNull();
  });
});
