import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StorageType } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JournalEvent } from '../../../journal/events.ts';
import { jobName } from '../../../journal/ids.ts';
import { restoreJetstream, type JetstreamRestore } from '../../../journal/jetstream/restore.ts';
import type { Journal } from '../../../journal/port.ts';
import { backupPortable } from '../../../journal/backup/portable.ts';
import { describeIntegration } from '../../services/integration.ts';
import {
  claimed,
  committed,
  identity,
  JOB,
  readAll,
  replayAll,
  requestsOf,
  subjectOf,
  writerOn,
} from '../../unit/journal/fixtures.ts';
import { NatsFixture, STREAM } from './natsFixture.ts';
import { text } from './world.ts';

const subject = subjectOf();
const onProgress = (): void => undefined;
let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-backup-'));
  file = path.join(folder, 'journal.backup');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const backup = (journal: Journal) => backupPortable({ journal, job: JOB, file, force: false, onProgress });

function restore(fixture: NatsFixture, options: Partial<JetstreamRestore> = {}) {
  const place = { servers: [fixture.nats.url], stream: STREAM, replicas: 1, waitForServerMs: 10_000 };
  return restoreJetstream({ ...place, file, job: JOB, onProgress, onWarning: () => undefined, ...options });
}

const loseStream = (fixture: NatsFixture) => fixture.administer((jsm) => jsm.streams.delete(STREAM));

describeIntegration(
  'a backup of the JetStream journal',
  () => {
    test('of one that is written meanwhile is a prefix; restored, it is the same journal', async () => {
      await using fixture = await NatsFixture.start({ jetstreamConfig: 'sync_interval: "2m"' });
      const journal = await fixture.open();
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      for (let number = 1; number <= 600; number += 1) await writer.append(identity(), [committed(number)]);
      const over = new AbortController();
      const load = (async () => {
        for (let number = 601; !over.signal.aborted; number += 1)
          await writer.append(identity(), [committed(number)]);
      })();
      const found = await backup(await fixture.open({ mode: 'read' }));
      over.abort();
      await load;
      const whole = await replayAll(journal, subject);
      await journal.close();
      await loseStream(fixture);
      expect(await restore(fixture)).toEqual(found);
      const again = await fixture.open({ mode: 'existing' });
      expect(again.id).toBe(found.journalId);
      const copy = await replayAll(again, subject);
      expect(copy.map(({ entry }) => entry)).toEqual(whole.slice(0, found.entries).map(({ entry }) => entry));
      expect(copy.length).toBeGreaterThan(600);
      const next = await writerOn(again, subject, copy.at(-1)?.tail).append(identity(2), [claimed(2)]);
      expect(next.seq).toBe(found.entries + 1);
    });

    test('answered requests are not filed anew; those that wait are, behind the answered ones', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      const taken = await journal.fileRequest(requestsOf(), text('{"type":"roll"}'));
      const rolled: JournalEvent = { type: 'rollRequested', requestId: taken };
      await writerOn(journal, subject).append(identity(), [claimed(), rolled]);
      await journal.fileRequest(requestsOf(), text('{"type":"resume"}'));
      await backup(journal);
      await journal.close();
      await loseStream(fixture);
      await restore(fixture);
      const again = await fixture.open({ mode: 'existing' });
      expect(await readAll(again, requestsOf(), taken)).toEqual([text('{"type":"resume"}')]);
      expect(await readAll(again, requestsOf())).toHaveLength(1);
    });

    test('a coordinator that still runs on the old journal gets nothing into the restored one', async () => {
      await using fixture = await NatsFixture.start();
      const old = await fixture.open({ readPatienceMs: 200 });
      const writer = writerOn(old, subject);
      await writer.append(identity(), [claimed()]);
      await backup(old);
      await writer.append(identity(), [committed(1)]);
      await loseStream(fixture);
      await restore(fixture);
      for (const expected of [1, 2, 3])
        expect((await old.append(subject, expected, text('never'))).type).toBe('conflict');
      expect(await replayAll(await fixture.open({ mode: 'existing' }), subject)).toHaveLength(1);
    });

    test('is not restored over a stream, of a damaged file, or for another job: nothing made', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      await writerOn(journal, subject).append(identity(), [claimed()]);
      await backup(journal);
      await expect(restore(fixture)).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
        fields: { stream: STREAM },
      });
      await loseStream(fixture);
      await expect(restore(fixture, { job: jobName('other') })).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
      });
      const whole = readFileSync(file);
      writeFileSync(file, whole.subarray(0, -20));
      await expect(restore(fixture)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
      expect(await fixture.administer((jsm) => jsm.streams.names().next())).toEqual([]);
    });

    test('a restore that was cut short is no journal', async () => {
      await using fixture = await NatsFixture.start({ jetstreamConfig: 'max_file_store: 12KB' });
      const journal = await fixture.open();
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      for (let number = 1; number <= 10; number += 1) await writer.append(identity(), [committed(number)]);
      await backup(journal);
      await journal.close();
      await loseStream(fixture);
      await fixture.administer((jsm) =>
        jsm.streams.add({ name: 'OTHER', subjects: ['other'], storage: StorageType.File }),
      );
      await fixture.fill('other', 10);
      await expect(restore(fixture)).rejects.toThrow(/did not take all of the backup.*delete the stream/);
      await expect(fixture.open({ mode: 'existing' })).rejects.toMatchObject({
        code: 'JOURNAL_STREAM_INVALID',
      });
    });
  },
  { ownServers: true },
);
