import { DiscardPolicy, type StreamConfig } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import type { Subject } from '../../../journal/ids.ts';
import type { Journal, Revision } from '../../../journal/port.ts';
import { describeIntegration } from '../../services/integration.ts';
import { realPacer, requestsOf, subjectOf } from '../../unit/journal/fixtures.ts';
import { NatsFixture, STREAM } from './natsFixture.ts';
import { append, text } from './world.ts';

const subject = subjectOf();

async function requestsBehind(journal: Journal, of: Subject, after: Revision): Promise<Revision[]> {
  const found: Revision[] = [];
  for await (const batch of journal.requests(of, after)) found.push(...batch.map(({ revision }) => revision));
  return found;
}

/** Asks as an owner does, until there is something. */
async function awaitRequests(journal: Journal, of: Subject, after: Revision): Promise<Revision[]> {
  for (;;) {
    const found = await requestsBehind(journal, of, after);
    if (found.length > 0) return found;
    await realPacer.pause(20);
  }
}

/** Requests to the server's JetStream so far. */
function apiRequests(fixture: NatsFixture): Promise<number> {
  return fixture.administer(async (jsm) => (await jsm.getAccountInfo()).api.total);
}

describeIntegration(
  "the journal's stream, while it is in use",
  () => {
    const changes: readonly [string, Partial<StreamConfig>, RegExp][] = [
      ['entries expire', { max_age: 3_600_000_000_000 }, /max_age/],
      ['old entries make room', { discard: DiscardPolicy.Old, max_msgs: 1_000 }, /discard is old/],
      ['only some of a subject are kept', { max_msgs_per_subject: 10 }, /max_msgs_per_subject/],
      ['reads may be stale', { allow_direct: true }, /allow_direct/],
      ['others feed it', { sources: [{ name: 'OTHER' }] }, /sources/],
    ];
    test.each(changes)(
      'a setting that is changed so that %s is found and named',
      async (_, settings, named) => {
        await using fixture = await NatsFixture.start();
        const journal = await fixture.open();
        const first = await append(journal, subject, 0, text('before'));
        expect(await requestsBehind(journal, requestsOf(), 0)).toEqual([]);
        const { config } = await fixture.administer((jsm) => jsm.streams.info(STREAM));
        await fixture.administer((jsm) => jsm.streams.update(STREAM, settings));
        const invalid = { code: 'JOURNAL_STREAM_INVALID', message: expect.stringMatching(named) as unknown };
        await expect(awaitRequests(journal, requestsOf(), 0)).rejects.toMatchObject(invalid);
        await expect(journal.append(subject, first, text('meanwhile'))).rejects.toMatchObject(invalid);
        await expect(journal.append(subjectOf('new'), 0, text('a claim'))).rejects.toMatchObject(invalid);
        // A reader needs no more than the entries.
        expect(await requestsBehind(await fixture.open({ mode: 'read' }), requestsOf(), 0)).toEqual([]);
        await fixture.administer((jsm) =>
          jsm.streams.update(STREAM, { ...config, sources: [], allow_direct: false }),
        );
        await append(journal, subject, first, text('afterwards'));
      },
    );

    test('a limit that only refuses what is too much is none that drops: the journal continues', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      await fixture.administer((jsm) =>
        jsm.streams.update(STREAM, { max_msgs: 1_000, max_bytes: 10_000_000 }),
      );
      expect(await requestsBehind(journal, requestsOf(), 0)).toEqual([]);
      await append(journal, subject, 0, text('an entry'));
    });

    test('its own limit of a message is followed when it is changed', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      await fixture.administer((jsm) => jsm.streams.update(STREAM, { max_msg_size: 10_000 }));
      await requestsBehind(journal, requestsOf(), 0);
      expect(journal.entryBytesMax).toBeLessThan(10_000);
    });

    test('the requests to many partitions are asked for at once, about once a second', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      const subjects = Array.from({ length: 8 }, (_, partition) => requestsOf('events', partition));
      const filed = await journal.fileRequest(requestsOf('events', 3), text('roll'));
      expect(await awaitRequests(journal, requestsOf('events', 3), 0)).toEqual([filed]);
      const [before, sinceMs] = [await apiRequests(fixture), performance.now()];
      for (let round = 0; round < 20; round += 1)
        for (const [partition, of] of subjects.entries())
          expect(await requestsBehind(journal, of, partition === 3 ? filed : 0)).toEqual([]);
      const looksMax = Math.ceil((performance.now() - sinceMs) / 800) + 1;
      // The question itself counts as well.
      expect((await apiRequests(fixture)) - before - 1).toBeLessThanOrEqual(looksMax);
    });

    test('a request is given once it is there, whenever it is asked for, by its partition', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      const [own, other] = [requestsOf('events', 0), requestsOf('events', 1)];
      expect(await requestsBehind(journal, own, 0)).toEqual([]);
      const first = await (await fixture.open({ mode: 'read' })).fileRequest(own, text('roll'));
      expect(await awaitRequests(journal, own, 0)).toEqual([first]);
      expect(await requestsBehind(journal, own, 0)).toEqual([first]);
      expect(await requestsBehind(journal, own, first)).toEqual([]);
      expect(await requestsBehind(journal, other, 0)).toEqual([]);
      const second = await journal.fileRequest(own, text('resume'));
      expect(await awaitRequests(journal, own, first)).toEqual([second]);
      expect(await requestsBehind(journal, own, 0)).toEqual([first, second]);
    });

    test('a request in a journal that was restored is not taken for one that was seen', async () => {
      await using fixture = await NatsFixture.start();
      const newId = (): string => 'the-same-id';
      const journal = await fixture.open({ newId });
      const seen = await journal.fileRequest(requestsOf(), text('roll'));
      expect(await awaitRequests(journal, requestsOf(), 0)).toEqual([seen]);
      expect(await requestsBehind(journal, requestsOf(), seen)).toEqual([]);
      const { config } = await fixture.administer((jsm) => jsm.streams.info(STREAM));
      await fixture.administer(async (jsm) => {
        await jsm.streams.delete(STREAM);
        await jsm.streams.add({ ...config, first_seq: 1_000 });
      });
      const filed = await (await fixture.open({ mode: 'read' })).fileRequest(requestsOf(), text('resume'));
      expect(await awaitRequests(journal, requestsOf(), seen)).toEqual([filed]);
    });
  },
  { ownServers: true },
);
