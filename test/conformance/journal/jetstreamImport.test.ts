import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StorageType } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importJetstream, type JetstreamImport } from '../../../journal/jetstream/import.ts';
import { JOURNAL_ID_KEY, newStream } from '../../../journal/jetstream/stream.ts';
import { createMemoryBacking, createMemoryJournal } from '../../../journal/memory/journal.ts';
import type { Journal } from '../../../journal/port.ts';
import { jobSubject } from '../../../journal/subjects.ts';
import { describeIntegration } from '../../services/integration.ts';
import {
  bulky,
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
import {
  exported,
  fillWithRequests,
  NOT_ABORTED,
  noProgress,
  requestBytes,
  withCopy,
} from '../../unit/journal/imported.ts';
import { NatsFixture, STREAM } from './natsFixture.ts';

const KILLED_IMPORT = path.resolve(import.meta.dirname, '../../unit/journal/killedImport.ts');
const subject = subjectOf();
let folder = '';
let file = '';
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-import-'));
  file = path.join(folder, 'clicks.journal');
  journal = createMemoryJournal({ backing: createMemoryBacking(), entryBytesMax: 8 * 1024 * 1024 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function imported({ nats }: NatsFixture, options: Partial<JetstreamImport> = {}) {
  return withCopy(file, (copy) =>
    importJetstream({
      ...{ servers: [nats.url], stream: STREAM, replicas: 1, waitForServerMs: 10_000 },
      ...{ copy, signal: NOT_ABORTED, onProgress: noProgress, onWarning: noProgress },
      ...options,
    }),
  );
}

async function filled(entries = 5) {
  const requests = await fillWithRequests(journal, entries);
  await exported(journal, file);
  return requests;
}

/** The new journal holds every entry, and goes on. */
async function expectSame(fixture: NatsFixture): Promise<Journal> {
  const copy = await fixture.open({ mode: 'existing' });
  expect(copy.id).toBe(journal.id);
  expect(await copy.subjects('')).toEqual(await journal.subjects(''));
  for (const each of [subject, jobSubject(JOB)])
    expect(await readAll(copy, each)).toEqual(await readAll(journal, each));
  return copy;
}

const messages = (fixture: NatsFixture) =>
  fixture.administer(async (jsm) => (await jsm.streams.info(STREAM)).state.messages);

describeIntegration(
  'an import into the JetStream journal',
  () => {
    test('keeps its id, every entry and the requests that wait; the next request counts on', async () => {
      await using fixture = await NatsFixture.start();
      const { answered } = await filled();
      expect(await imported(fixture)).toMatchObject({ requestsLeftOut: 1, entriesThere: 0, partitions: 1 });
      const copy = await expectSame(fixture);
      expect(await readAll(copy, requestsOf(), answered)).toEqual([requestBytes('resume')]);
      expect(await readAll(copy, requestsOf())).toHaveLength(1);
      expect(await copy.fileRequest(requestsOf(), requestBytes('roll'))).toBeGreaterThan(answered);
      const last = (await replayAll(copy, subject)).at(-1)?.tail;
      await writerOn(copy, subject, last).append(identity(2), [claimed(2)]);
    });

    test('a request is filed above those that were answered, whatever revisions entries have', async () => {
      await using fixture = await NatsFixture.start();
      const answered = { type: 'rollRequested', requestId: 5e12 } as const;
      await writerOn(journal, subject).append(identity(), [claimed(), answered]);
      await exported(journal, file);
      await imported(fixture);
      const copy = await expectSame(fixture);
      expect(await copy.fileRequest(requestsOf(), requestBytes('roll'))).toBeGreaterThan(5e12);
    });

    test('interrupted: the stream is no journal; the same file goes on, another does not', async () => {
      await using fixture = await NatsFixture.start({ jetstreamConfig: 'sync_interval: "2m"' });
      await filled(2_000);
      const stop = new AbortController();
      const onProgress = ({ entries }: { readonly entries: number }): void => {
        if (entries >= 700) stop.abort();
      };
      await expect(imported(fixture, { signal: stop.signal, onProgress })).rejects.toMatchObject({
        code: 'JOURNAL_IMPORT_UNFINISHED',
        message: expect.stringMatching(
          /holds at least \d+ of 2003 entries and is no journal yet: run/,
        ) as string,
      });
      for (const mode of ['create', 'existing', 'read'] as const)
        await expect(fixture.open({ mode })).rejects.toMatchObject({ code: 'JOURNAL_IMPORT_UNFINISHED' });
      const there = await messages(fixture);
      expect(there).toBeGreaterThanOrEqual(700);

      await writerOn(journal, subject, (await replayAll(journal, subject)).at(-1)?.tail).append(identity(), [
        committed(7),
      ]);
      const first = file;
      file = path.join(folder, 'later.journal');
      await exported(journal, file);
      await expect(imported(fixture)).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
        message: expect.stringContaining('beginning of another import') as string,
      });
      expect(await messages(fixture)).toBe(there);

      file = first;
      expect(await imported(fixture)).toMatchObject({ entriesThere: there });
      const copy = await fixture.open({ mode: 'existing' });
      expect(await readAll(copy, subject)).toEqual((await readAll(journal, subject)).slice(0, -1));
    });

    test('killed again and again, and two at once: every entry once', async () => {
      await using fixture = await NatsFixture.start({ jetstreamConfig: 'sync_interval: "2m"' });
      await filled(2_500);
      for (const count of ['500', '1400']) {
        const { signal } = spawnSync(process.execPath, [
          KILLED_IMPORT,
          'nats',
          file,
          fixture.nats.url,
          count,
        ]);
        expect(signal).toBe('SIGKILL');
      }
      const both = await Promise.allSettled([imported(fixture), imported(fixture)]);
      for (const one of both)
        if (one.status === 'rejected')
          expect(one.reason).toMatchObject({
            code: expect.stringMatching(/^(JOURNAL_UNAVAILABLE|REQUEST_REFUSED)$/) as string,
          });
      if (both.every(({ status }) => status === 'rejected')) await imported(fixture);
      await expectSame(fixture);
      expect(await messages(fixture)).toBe(2_503 - 1);
    });

    test('is refused where the stream is a journal, another one, or something else', async () => {
      await using fixture = await NatsFixture.start();
      await filled();
      await imported(fixture);
      const before = await messages(fixture);
      await expect(imported(fixture)).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
        message: expect.stringContaining(`is journal ${journal.id} already`) as string,
      });
      expect(await messages(fixture)).toBe(before);
      for (const metadata of [{ [JOURNAL_ID_KEY]: 'another-one' }, {}]) {
        await fixture.administer(async (jsm) => {
          await jsm.streams.delete(STREAM);
          await jsm.streams.add({ ...newStream(STREAM, 1), metadata });
        });
        await expect(imported(fixture)).rejects.toMatchObject({ code: 'REQUEST_REFUSED' });
        expect(await messages(fixture)).toBe(0);
      }
    });

    test('is refused where somebody else wrote into the stream of an interrupted one', async () => {
      await using fixture = await NatsFixture.start();
      await filled(1_500);
      spawnSync(process.execPath, [KILLED_IMPORT, 'nats', file, fixture.nats.url, '500']);
      await fixture.fill(`${STREAM}.foreign`, 1);
      const there = await messages(fixture);
      await expect(imported(fixture)).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
        message: expect.stringContaining('something else than the beginning') as string,
      });
      expect(await messages(fixture)).toBe(there);
    });

    test('an entry larger than the server takes is named before anything is written', async () => {
      await using fixture = await NatsFixture.start();
      await writerOn(journal, subject).append(identity(), [claimed()]);
      const last = (await replayAll(journal, subject)).at(-1)?.tail;
      await writerOn(journal, subject, last).append(identity(), [bulky(1_200_000)]);
      await exported(journal, file);
      await expect(imported(fixture)).rejects.toMatchObject({
        code: 'JOURNAL_ENTRY_TOO_LARGE',
        message: expect.stringMatching(/at revision 2 .*max_payload/) as string,
      });
      expect(await fixture.administer((jsm) => jsm.streams.names().next())).toEqual([]);
    });

    test('a server without room says so, and how far it came; with room it goes on', async () => {
      await using fixture = await NatsFixture.start({ jetstreamConfig: 'max_file_store: 2MB' });
      await filled(2_500);
      await fixture.administer((jsm) =>
        jsm.streams.add({ name: 'OTHER', subjects: ['other'], storage: StorageType.File }),
      );
      await fixture.fill('other', 1_500);
      await expect(imported(fixture)).rejects.toMatchObject({
        code: 'JOURNAL_FULL',
        message: expect.stringMatching(/holds at least \d+ of 2503 entries/) as string,
      });
      await expect(fixture.open({ mode: 'existing' })).rejects.toMatchObject({
        code: 'JOURNAL_IMPORT_UNFINISHED',
      });
      await fixture.administer((jsm) => jsm.streams.delete('OTHER'));
      expect((await imported(fixture)).entriesThere).toBeGreaterThan(0);
      await expectSame(fixture);
    });
  },
  { ownServers: true },
);
