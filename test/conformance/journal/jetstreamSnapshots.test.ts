import { connect, headers } from '@nats-io/transport-node';
import { jetstream } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import type { Journal } from '../../../journal/port.ts';
import { describeIntegration } from '../../services/integration.ts';
import { subjectOf } from '../../unit/journal/fixtures.ts';
import { NatsFixture, STREAM } from './natsFixture.ts';
import { text } from './world.ts';

const subject = subjectOf();
const SMALL = { config: 'max_payload: 16KB' };
/** Several messages of such a server. */
const LARGE_BYTES = 100_000;

function filled(bytes: number, value: number): Uint8Array {
  return new Uint8Array(bytes).fill(value);
}

/** The length and the first byte of each that is given back. */
async function found(journal: Journal): Promise<[number, number | undefined][]> {
  const seen: [number, number | undefined][] = [];
  for await (const bytes of journal.snapshots(subject)) seen.push([bytes.byteLength, bytes[0]]);
  return seen;
}

/** Everything that the stream of the snapshots holds: sequence and subject. */
function messages(fixture: NatsFixture): Promise<Map<number, string>> {
  return fixture.administer(async (jsm) => {
    const { state } = await jsm.streams.info(`${STREAM}_SNAPSHOTS`);
    const held = new Map<number, string>();
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const message = await jsm.direct.getMessage(`${STREAM}_SNAPSHOTS`, { seq });
      if (message !== null) held.set(seq, message.subject);
    }
    return held;
  });
}

/** Whatever was written last goes: as if the writer had died before it. */
async function forgetLast(fixture: NatsFixture, count: number): Promise<void> {
  const last = [...(await messages(fixture)).keys()].slice(-count);
  await fixture.administer(async (jsm) => {
    for (const seq of last) await jsm.streams.deleteMessage(`${STREAM}_SNAPSHOTS`, seq);
  });
}

describeIntegration(
  'snapshots on JetStream that are larger than a message',
  () => {
    test('are written in pieces, and given back as they were', async () => {
      await using fixture = await NatsFixture.start(SMALL);
      const journal = await fixture.open();
      await journal.writeSnapshot(subject, text('a small one'));
      await journal.writeSnapshot(subject, filled(LARGE_BYTES, 1));
      expect(await found(journal)).toEqual([
        [LARGE_BYTES, 1],
        [11, 'a'.charCodeAt(0)],
      ]);
      await journal.writeSnapshot(subject, filled(2 * LARGE_BYTES, 2));
      expect(await found(journal)).toEqual([
        [2 * LARGE_BYTES, 2],
        [LARGE_BYTES, 1],
      ]);
    });

    test('a crash between two pieces, however often, leaves the one before in use', async () => {
      await using fixture = await NatsFixture.start(SMALL);
      const journal = await fixture.open();
      await journal.writeSnapshot(subject, filled(LARGE_BYTES, 1));
      const pieces = (await messages(fixture)).size;
      for (let crash = 2; crash <= 5; crash += 1) {
        await journal.writeSnapshot(subject, filled(LARGE_BYTES, crash));
        await forgetLast(fixture, crash);
        expect(await found(journal)).toEqual([[LARGE_BYTES, 1]]);
      }
      await journal.writeSnapshot(subject, filled(LARGE_BYTES, 6));
      expect((await found(journal))[0]).toEqual([LARGE_BYTES, 6]);
      // A few of them, not those of every attempt.
      expect((await messages(fixture)).size).toBeLessThanOrEqual(4 * pieces);
    });

    test('one with a piece that is gone, or another, is none; the one before it is', async () => {
      await using fixture = await NatsFixture.start(SMALL);
      const journal = await fixture.open();
      await journal.writeSnapshot(subject, filled(LARGE_BYTES, 1));
      await journal.writeSnapshot(subject, filled(LARGE_BYTES, 2));
      const held = [...(await messages(fixture)).keys()];
      const [middle = 0] = held.slice(-3);
      await fixture.administer((jsm) => jsm.streams.deleteMessage(`${STREAM}_SNAPSHOTS`, middle));
      expect(await found(journal)).toEqual([[LARGE_BYTES, 1]]);
    });

    test('a list of pieces whose digest does not fit, or that is no list, is none', async () => {
      await using fixture = await NatsFixture.start(SMALL);
      const journal = await fixture.open();
      await journal.writeSnapshot(subject, filled(LARGE_BYTES, 1));
      const list = await fixture.administer((jsm) =>
        jsm.direct.getMessage(`${STREAM}_SNAPSHOTS`, {
          last_by_subj: `${STREAM}_SNAPSHOTS.${journal.id}.${subject}`,
        }),
      );
      const marks = headers();
      for (const name of list?.header.keys() ?? []) marks.set(name, list?.header.get(name) ?? '');
      expect(marks.keys()).not.toEqual([]);
      const whole = list?.string() ?? '';
      for (const damaged of [whole.replace(/"sha256":"./, '"sha256":"x'), whole.slice(1), 'null', '{}', '']) {
        await journal.writeSnapshot(subject, filled(LARGE_BYTES, 2));
        const connection = await connect({ servers: fixture.nats.url });
        await jetstream(connection).publish(list?.subject ?? '', damaged, { headers: marks });
        await connection.close();
        expect(await found(journal)).toEqual([[LARGE_BYTES, 2]]);
      }
    });
  },
  { ownServers: true },
);
