import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignPartitions, spread } from '../../../../../src/sources/kafka/group/assignment.ts';
import {
  decodeMember,
  decodeUnnamed,
  encodeAssignment,
  encodeMember,
} from '../../../../../src/sources/kafka/client/group.ts';
import { NONE_UNNAMED } from '../../../../../src/sources/kafka/group/userData.ts';
import { AssignerProtocol } from '../../../../../src/sources/kafka/client/client.ts';

const member = (memberId: string, ...topics: string[]) => ({ memberId, topics, held: null });
const at = (topic: string, ...partitions: number[]) => partitions.map((partition) => ({ topic, partition }));

describe('the assignment of a generation', () => {
  test('gives members that subscribe to the same topics their partitions in turn', () => {
    const given = assignPartitions([member('b', 't'), member('a', 't')], new Map([['t', 5]]));
    expect(given.get('a')).toEqual(at('t', 0, 2, 4));
    expect(given.get('b')).toEqual(at('t', 1, 3));
  });

  test('honours the subscription of each member', () => {
    const given = assignPartitions(
      [member('old', 'one'), member('new', 'one', 'two')],
      new Map([
        ['one', 2],
        ['two', 2],
      ]),
    );
    expect(given.get('new')).toEqual(at('two', 0, 1));
    expect(given.get('old')).toEqual(at('one', 1, 0));
  });

  test('gives a topic that nobody subscribes to, or that is missing, to nobody', () => {
    const given = assignPartitions([member('a', 'gone')], new Map([['other', 3]]));
    expect([...given]).toEqual([['a', []]]);
  });

  test('gives each partition to one subscribed member, the same in whatever order they joined', () => {
    const topic = fc.constantFrom('a', 'b', 'c', 'd');
    const claimed = fc.array(fc.record({ topic, partition: fc.nat(9) }));
    const held = fc.option(fc.record({ generationId: fc.nat(3), partitions: claimed }));
    const members = fc.uniqueArray(
      fc.record({ memberId: fc.string({ minLength: 1 }), topics: fc.uniqueArray(topic), held }),
      { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 6 },
    );
    const counts = fc.uniqueArray(fc.tuple(topic, fc.nat(9)), { selector: ([name]) => name });
    fc.assert(
      fc.property(members, counts, (joined, topics) => {
        const given = assignPartitions(joined, new Map(topics));
        for (const [name, count] of topics) {
          const subscribed = joined.some((each) => each.topics.includes(name));
          for (let partition = 0; partition < count; partition += 1) {
            const owners = joined.filter(({ memberId }) =>
              given.get(memberId)?.some((own) => own.topic === name && own.partition === partition),
            );
            expect(owners).toHaveLength(subscribed ? 1 : 0);
            expect(owners.every((owner) => owner.topics.includes(name))).toBe(true);
          }
        }
        const turned = assignPartitions(joined.toReversed(), new Map(topics));
        for (const { memberId } of joined) expect(turned.get(memberId)).toEqual(given.get(memberId));
      }),
    );
  });

  describe('where members say what they held', () => {
    const holder = (memberId: string, generationId: number, ...partitions: number[]) => ({
      ...member(memberId, 't'),
      held: { generationId, partitions: at('t', ...partitions) },
    });
    const moved = (before: Given, after: Given): number =>
      [...before].flatMap(([memberId, own]) =>
        own.filter((one) => !after.get(memberId)?.some(({ partition }) => partition === one.partition)),
      ).length;
    type Given = ReturnType<typeof assignPartitions>;

    test('a member that joins gets its share, and nothing else moves', () => {
      const given = assignPartitions(
        [holder('b', 1, 0, 1, 2, 3), holder('c', 1, 4, 5, 6, 7), member('a', 't')],
        new Map([['t', 8]]),
      );
      expect(given.get('b')).toEqual(at('t', 0, 1, 2));
      expect(given.get('c')).toEqual(at('t', 4, 5, 6));
      expect(given.get('a')).toHaveLength(2);
    });

    test('what a member leaves is shared, and nothing else moves', () => {
      const given = assignPartitions([holder('a', 1, 5, 6, 7), holder('b', 1, 0, 1)], new Map([['t', 8]]));
      expect(given.get('a')).toEqual(at('t', 5, 6, 7, 3));
      expect(given.get('b')).toEqual(at('t', 0, 1, 2, 4));
    });

    test('a member that was expelled without noticing has no claim against a later generation', () => {
      const given = assignPartitions([holder('a', 1, 0, 1), holder('b', 2, 0, 1)], new Map([['t', 2]]));
      expect(given.get('b')).toEqual(at('t', 0));
      expect(given.get('a')).toEqual(at('t', 1));
    });

    test('what no member reads any more, and partitions that are gone, are no claims', () => {
      const stale = { ...member('a', 't'), held: { generationId: 3, partitions: at('u', 0) } };
      const beyond = holder('b', 3, 9);
      const given = assignPartitions(
        [stale, beyond],
        new Map([
          ['t', 1],
          ['u', 1],
        ]),
      );
      expect([...given.values()].flat()).toEqual(at('t', 0));
    });

    test('shares differ by one at most, and no more moves than that takes', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 40 }),
          fc.integer({ min: 1, max: 6 }),
          fc.integer({ min: 1, max: 6 }),
          (count, before, after) => {
            const topics = new Map([['t', count]]);
            const names = (members: number): string[] =>
              Array.from({ length: members }, (_, index) => `m${index}`);
            const first = assignPartitions(
              names(before).map((name) => member(name, 't')),
              topics,
            );
            const second = assignPartitions(
              names(after).map((memberId) => {
                const partitions = first.get(memberId);
                const held = partitions === undefined ? null : { generationId: 1, partitions };
                return { ...member(memberId, 't'), held };
              }),
              topics,
            );
            const shares = [...second.values()].map((own) => own.length);
            expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
            const least = names(before).reduce((sum, name) => {
              const had = first.get(name)?.length ?? 0;
              return sum + had - Math.min(had, second.get(name)?.length ?? 0);
            }, 0);
            expect(moved(first, second)).toBe(least);
          },
        ),
      );
    });
  });

  test('spreads what is to be settled over the members, and over nobody where there is none', () => {
    expect([...spread(at('t', 0, 1, 2), ['b', 'a'])]).toEqual([
      ['a', at('t', 0, 2)],
      ['b', at('t', 1)],
    ]);
    expect([...spread(at('t', 0), [])]).toEqual([]);
  });
});

describe('the user data of the group', () => {
  const held = { generationId: 4, partitions: at('t', 1, 2) };
  const facts = { job: 'j', version: '0.2.0', isBounded: true, partitions: { t: 3 }, held };

  test('comes back as it was written', () => {
    expect(decodeMember('m', encodeMember(['t'], facts))).toEqual({ memberId: 'm', topics: ['t'], facts });
    const unnamed = { own: at('u', 1), all: at('u', 0, 1) };
    expect(decodeUnnamed(encodeAssignment(at('t', 0, 2), unnamed))).toEqual(unnamed);
    const decoded = AssignerProtocol.MemberAssignment.decode(encodeAssignment(at('t', 0, 2), unnamed));
    expect(decoded?.assignment).toEqual({ t: [0, 2] });
  });

  test('of a newer version is read as far as it is known, of another program not at all', () => {
    const userData = Buffer.from(JSON.stringify({ tidemark: 9, ...facts, more: [1], partitions: 'many' }));
    const newer = AssignerProtocol.MemberMetadata.encode({ version: 0, topics: ['t'], userData });
    expect(decodeMember('m', newer).facts).toEqual({ ...facts, partitions: {}, held: null });
    const first = { ...facts, held: null };
    expect(decodeMember('m', encodeMember(['t'], first)).facts).toEqual(first);
    for (const text of ['', 'x', '{}', 'null']) {
      const foreign = AssignerProtocol.MemberMetadata.encode({
        ...{ version: 0, topics: ['t'], userData: Buffer.from(text) },
      });
      expect(decodeMember('m', foreign)).toEqual({ memberId: 'm', topics: ['t'], facts: null });
    }
    expect(decodeMember('m', Buffer.alloc(0))).toEqual({ memberId: 'm', topics: [], facts: null });
    expect(decodeUnnamed(Buffer.alloc(0))).toEqual(NONE_UNNAMED);
    const odd = Buffer.from(JSON.stringify({ tidemark: 1, settle: [['t'], 7, ['t', 'x'], ['u', 4]] }));
    const assignment = AssignerProtocol.MemberAssignment.encode({
      version: 0,
      assignment: {},
      userData: odd,
    });
    expect(decodeUnnamed(assignment)).toEqual({ own: at('u', 4), all: [] });
  });
});
