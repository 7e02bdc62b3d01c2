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

const member = (memberId: string, ...topics: string[]) => ({ memberId, topics });
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
    expect(given.get('new')).toEqual([...at('one', 0), ...at('two', 0, 1)]);
    expect(given.get('old')).toEqual(at('one', 1));
  });

  test('gives a topic that nobody subscribes to, or that is missing, to nobody', () => {
    const given = assignPartitions([member('a', 'gone')], new Map([['other', 3]]));
    expect([...given]).toEqual([['a', []]]);
  });

  test('gives each partition to one subscribed member, the same in whatever order they joined', () => {
    const topic = fc.constantFrom('a', 'b', 'c', 'd');
    const members = fc.uniqueArray(
      fc.record({ memberId: fc.string({ minLength: 1 }), topics: fc.uniqueArray(topic) }),
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

  test('spreads what is to be settled over the members, and over nobody where there is none', () => {
    expect([...spread(at('t', 0, 1, 2), ['b', 'a'])]).toEqual([
      ['a', at('t', 0, 2)],
      ['b', at('t', 1)],
    ]);
    expect([...spread(at('t', 0), [])]).toEqual([]);
  });
});

describe('the user data of the group', () => {
  const facts = { job: 'j', version: '0.2.0', isBounded: true, partitions: { t: 3 } };

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
    expect(decodeMember('m', newer).facts).toEqual({ ...facts, partitions: {} });
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
