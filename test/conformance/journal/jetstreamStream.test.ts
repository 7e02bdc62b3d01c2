import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import type { Journal } from '../../../journal/port.ts';
import { describeIntegration } from '../../services/integration.ts';
import { NatsFixture, STREAM } from './natsFixture.ts';

const safe = {
  ...{ name: STREAM, subjects: [`${STREAM}.>`], discard: DiscardPolicy.New, storage: StorageType.File },
  ...{ deny_delete: true, deny_purge: true, allow_direct: false },
  metadata: { 'tidemark-journal-id': 'made-by-an-operator' },
};

function refusal(opening: Promise<Journal>): Promise<{ code: string; message: string }> {
  return opening.then(
    () => {
      throw new Error('the stream was taken');
    },
    (error: unknown) => error as { code: string; message: string },
  );
}

describeIntegration(
  "the journal's stream",
  () => {
    test('that is created keeps everything, and nothing in it can be deleted', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      const { config } = await fixture.administer((jsm) => jsm.streams.info(STREAM));
      expect(config).toMatchObject({
        ...{ retention: 'limits', storage: 'file', discard: 'new', max_age: 0, max_msgs: -1, max_bytes: -1 },
        ...{ max_msgs_per_subject: -1, deny_delete: true, deny_purge: true, allow_direct: false },
        ...{ num_replicas: 1, subjects: [`${STREAM}.>`] },
      });
      expect(config.metadata?.['tidemark-journal-id']).toBe(journal.id);
    });

    test('with one replica is used with a warning that says what it risks', async () => {
      await using fixture = await NatsFixture.start();
      await fixture.open();
      expect(fixture.warnings.join('\n')).toMatch(/1 replica.*3 replicas/);
      await fixture.open({ replicas: 3, mode: 'existing' });
      expect(fixture.warnings.join('\n')).toMatch(/has 1 replicas, not the 3/);
    });

    test('is not created where it must exist, or for a reader', async () => {
      await using fixture = await NatsFixture.start();
      for (const mode of ['existing', 'read'] as const) {
        const error = await refusal(fixture.open({ mode }));
        expect(error).toMatchObject({ code: 'JOURNAL_MISSING', fields: { stream: STREAM } });
      }
      expect(await fixture.administer((jsm) => jsm.streams.names().next())).toEqual([]);
    });

    test('is one journal for all who create it at once', async () => {
      await using fixture = await NatsFixture.start();
      const journals = await Promise.all([1, 2, 3, 4].map(() => fixture.open()));
      expect(new Set(journals.map(({ id }) => id)).size).toBe(1);
    });

    test('that the server refuses to create is no outage: the reason is told at once', async () => {
      await using fixture = await NatsFixture.start();
      const error = await refusal(fixture.open({ replicas: 3 }));
      expect(error).toMatchObject({ code: 'JOURNAL_STREAM_INVALID' });
      expect(error.message).toMatch(/refuses to create it: replicas/);
    });

    test('that an operator made safe is used, with its id and its limit of a message', async () => {
      await using fixture = await NatsFixture.start();
      await fixture.administer((jsm) => jsm.streams.add({ ...safe, max_msg_size: 10_000 }));
      const journal = await fixture.open({ mode: 'existing' });
      expect(journal.id).toBe('made-by-an-operator');
      expect(journal.entryBytesMax).toBeLessThan(10_000);
      const largest = new Uint8Array(journal.entryBytesMax);
      expect(await journal.append('job.partition.t.0' as never, 0, largest)).toMatchObject({
        type: 'appended',
      });
    });

    test.each(['a.b', 'a b', '', '>', '*', 'x'.repeat(300)])('is not given the name %j', async (stream) => {
      await using fixture = await NatsFixture.start();
      expect(await refusal(fixture.open({ stream }))).toMatchObject({ code: 'CONFIG_INVALID' });
    });

    describe('is refused, and the setting is named, when', () => {
      const unsafe: readonly [string, Partial<StreamConfig>, RegExp][] = [
        ['entries expire', { max_age: 3_600_000_000_000 }, /max_age/],
        ['old entries make room for new ones', { discard: DiscardPolicy.Old }, /discard is old/],
        ['entries are dropped when read', { retention: RetentionPolicy.Workqueue }, /retention is workqueue/],
        ['it lives in memory', { storage: StorageType.Memory }, /storage is memory/],
        ['only some entries of a subject are kept', { max_msgs_per_subject: 10 }, /max_msgs_per_subject/],
        ['entries may be deleted', { deny_delete: false }, /deny_delete/],
        ['it may be purged', { deny_purge: false }, /deny_purge/],
        ['reads may be stale', { allow_direct: true }, /allow_direct/],
        ['appends are not acknowledged', { no_ack: true }, /no_ack/],
        ['it takes other subjects', { subjects: ['other.>'] }, /subjects must hold "TIDEMARK\.>"/],
        ['its subjects are changed', { subject_transform: { src: '>', dest: 'x.>' } }, /subject_transform/],
        ['others feed it', { sources: [{ name: 'OTHER' }] }, /sources/],
        ['it has no id', { metadata: {} }, /tidemark-journal-id/],
      ];
      test.each(unsafe)('%s', async (_, settings, named) => {
        await using fixture = await NatsFixture.start();
        await fixture.administer((jsm) => jsm.streams.add({ ...safe, ...settings }));
        const error = await refusal(fixture.open());
        expect(error).toMatchObject({ code: 'JOURNAL_STREAM_INVALID', retry: 'config' });
        expect(error.message).toMatch(named);
      });

      test('several settings are wrong: all of them are named', async () => {
        await using fixture = await NatsFixture.start();
        await fixture.administer((jsm) =>
          jsm.streams.add({ name: STREAM, subjects: [`${STREAM}.>`], max_age: 3_600_000_000_000 }),
        );
        const { message } = await refusal(fixture.open());
        for (const named of ['tidemark-journal-id', 'discard', 'max_age', 'deny_delete', 'deny_purge'])
          expect(message).toContain(named);
      });
    });

    test('is read, but not written, where a setting is unsafe', async () => {
      await using fixture = await NatsFixture.start();
      await fixture.administer((jsm) => jsm.streams.add({ ...safe, allow_direct: true }));
      await expect(fixture.open({ mode: 'read' })).resolves.toBeDefined();
      expect(await refusal(fixture.open({ mode: 'existing' }))).toMatchObject({
        code: 'JOURNAL_STREAM_INVALID',
      });
    });
  },
  { ownServers: true },
);
