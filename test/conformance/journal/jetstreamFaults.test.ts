import { EventEmitter, once } from 'node:events';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Journal } from '../../../journal/port.ts';
import { EMPTY_TAIL, replay } from '../../../journal/replay.ts';
import { WitnessWatch } from '../../../journal/witness.ts';
import type { SubjectWriter } from '../../../journal/writer.ts';
import { describeIntegration } from '../../services/integration.ts';
import { TcpProxy } from '../../services/tcpProxy.ts';
import {
  bulky,
  chain,
  claimed,
  committed,
  flipBit,
  identity,
  JOB,
  ManualPacer,
  readAll,
  realPacer,
  replayAll,
  requestsOf,
  subjectOf,
  writerOn,
} from '../../unit/journal/fixtures.ts';
import { NatsFixture, storeAtOnce, STREAM } from './natsFixture.ts';

const subject = subjectOf();

function rejection({ code, message }: { readonly code: string; readonly message: RegExp }) {
  return { code, message: expect.stringMatching(message) as unknown };
}

async function requestsIn(journal: Journal): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const batch of journal.requests(requestsOf(), 0)) found.push(...batch.map(({ bytes }) => bytes));
  return found;
}

interface DamagedJournal {
  readonly journal: Journal;
  readonly writer: SubjectWriter;
}

describeIntegration(
  'the JetStream journal, when its server fails',
  () => {
    test('a server restart in the middle of a replay: it continues, complete and in order', async () => {
      await using fixture = await NatsFixture.start({ jetstreamConfig: 'sync_interval: "2m"' });
      const journal = await fixture.open();
      await storeAtOnce(journal, subject, chain(20_000));
      let seen = 0;
      let restarted: Promise<void> | null = null;
      for await (const { entry } of replay(journal, subject)) {
        seen += 1;
        expect(entry.seq).toBe(seen);
        if (seen === 500) {
          await fixture.nats.kill('SIGKILL');
          restarted = fixture.nats.restart();
        }
      }
      await restarted;
      expect(seen).toBe(20_000);
    });

    test('a server that does not come back: a replay rejects, and never ends short', async () => {
      await using fixture = await NatsFixture.start({ jetstreamConfig: 'sync_interval: "2m"' });
      const journal = await fixture.open({ readPatienceMs: 500 });
      await storeAtOnce(journal, subject, chain(20_000));
      let seen = 0;
      const replaying = async (): Promise<void> => {
        for await (const _ of replay(journal, subject)) {
          seen += 1;
          if (seen === 500) await fixture.nats.kill('SIGKILL');
        }
      };
      await expect(replaying()).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE', retry: 'transient' });
      expect(seen).toBeLessThan(20_000);
      expect(await journal.append(subject, 20_000, new Uint8Array(1))).toMatchObject({
        type: 'unknown',
        cause: { code: 'JOURNAL_UNAVAILABLE' },
      });
    });

    test('a server that freezes: the outcome is unknown, and found when it continues', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open({ requestTimeoutMs: 300 });
      const frozen = new EventEmitter();
      const writer = writerOn(journal, subject, EMPTY_TAIL, { onRetry: () => frozen.emit('retry') });
      await writer.append(identity(), [claimed()]);
      await fixture.nats.pause();
      const retried = once(frozen, 'retry');
      const appending = writer.append(identity(), [committed(1)]);
      await retried;
      fixture.nats.resume();
      const tail = await appending;
      await writer.append(identity(), [committed(2)]);
      const replayed = await replayAll(journal, subject);
      expect(replayed.map(({ entry }) => entry.seq)).toEqual([1, 2, 3]);
      expect(replayed[1]?.tail).toEqual(tail);
    });

    test('a network that swallows everything: appends are unknown, reads reject, while it does', async () => {
      await using fixture = await NatsFixture.start();
      await using proxy = await TcpProxy.start(fixture.nats.port);
      const journal = await fixture.open({
        servers: [`127.0.0.1:${proxy.port}`],
        ...{ requestTimeoutMs: 200, readPatienceMs: 500 },
      });
      const writer = writerOn(journal, subject);
      await writer.append(identity(), [claimed()]);
      proxy.silence();
      expect(await journal.append(subject, writer.tail.revision, new Uint8Array(1))).toMatchObject({
        type: 'unknown',
      });
      await expect(readAll(journal, subject)).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
      await expect(journal.fileRequest(requestsOf(), new Uint8Array(1))).rejects.toThrow(/may or may not/);
      proxy.pass();
      expect((await writer.append(identity(), [committed(1)])).seq).toBe(2);
    });

    test('a full stream refuses appends for now, and takes them when its limit is raised', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      await fixture.administer((jsm) => jsm.streams.update(STREAM, { max_msgs: 2 }));
      const first = await journal.append(subject, 0, new Uint8Array(1));
      const second = await journal.append(subject, 1, new Uint8Array(1));
      expect([first.type, second.type]).toEqual(['appended', 'appended']);
      expect(await journal.append(subject, 2, new Uint8Array(1))).toMatchObject({
        ...{ type: 'refused', retryable: true, cause: { code: 'JOURNAL_FULL' } },
      });
      await expect(journal.fileRequest(requestsOf(), new Uint8Array(1))).rejects.toThrow(/did not take/);
      await fixture.administer((jsm) => jsm.streams.update(STREAM, { max_msgs: 3 }));
      expect(await journal.append(subject, 2, new Uint8Array(1))).toMatchObject({ type: 'appended' });
    });

    test('the payload limit is the server’s, headers included', async () => {
      await using fixture = await NatsFixture.start({ config: 'max_payload: 64KB' });
      const journal = await fixture.open();
      expect(journal.entryBytesMax).toBeLessThan(64 * 1024);
      expect(await journal.append(subject, 0, new Uint8Array(journal.entryBytesMax))).toMatchObject({
        type: 'appended',
      });
      await expect(
        writerOn(journal, subjectOf('other')).append(identity(), [bulky(64 * 1024)]),
      ).rejects.toMatchObject({ code: 'JOURNAL_ENTRY_TOO_LARGE' });
    });
  },
  { ownServers: true },
);

describeIntegration(
  'the JetStream journal, when its stream is taken away while it runs',
  () => {
    test('a deleted stream is not made again: appends, claims and reads say it was deleted', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open();
      const pacer = new ManualPacer();
      const writer = writerOn(journal, subject, EMPTY_TAIL, { pacer });
      await writer.append(identity(), [claimed()]);
      await fixture.administer((jsm) => jsm.streams.delete(STREAM));
      const deleted = { code: 'JOURNAL_ROLLED_BACK', message: /^The stream TIDEMARK was deleted/ };
      await expect(writer.append(identity(), [committed(1)])).rejects.toMatchObject(rejection(deleted));
      const claimer = writerOn(journal, subjectOf('new'), EMPTY_TAIL, { pacer });
      await expect(claimer.append(identity(), [claimed()])).rejects.toMatchObject(rejection(deleted));
      await expect(readAll(journal, subject)).rejects.toMatchObject(rejection(deleted));
      await expect(requestsIn(journal)).rejects.toMatchObject(rejection(deleted));
      expect(pacer.pausesMs).toEqual([]);
      expect(await fixture.administer((jsm) => jsm.streams.names().next())).toEqual([]);
    }, 60_000);

    test('a stream made anew under a running writer takes nothing from it, and is told at once', async () => {
      await using fixture = await NatsFixture.start();
      const old = await fixture.open({ readPatienceMs: 200 });
      const pacer = new ManualPacer();
      const writer = writerOn(old, subject, EMPTY_TAIL, { pacer });
      await writer.append(identity(1), [claimed(1)]);
      await fixture.administer((jsm) => jsm.streams.delete(STREAM));
      const anew = await fixture.open();
      expect(anew.id).not.toBe(old.id);
      // The same subject ends at the same revision in both: the number alone would let the old writer in.
      await writerOn(anew, subject).append(identity(2), [claimed(2)]);
      const replaced = { code: 'JOURNAL_REPLACED', fields: { found: anew.id } };
      await expect(writer.append(identity(1), [committed(1)])).rejects.toMatchObject(replaced);
      await expect(requestsIn(old)).rejects.toMatchObject(replaced);
      expect(pacer.pausesMs).toEqual([]);
      expect((await replayAll(anew, subject)).map(({ entry }) => entry.epoch)).toEqual([2]);
    });

    test('a stream of other subjects in its place is no journal that is only slow', async () => {
      await using fixture = await NatsFixture.start();
      const old = await fixture.open({ readPatienceMs: 200 });
      const pacer = new ManualPacer();
      const writer = writerOn(old, subject, EMPTY_TAIL, { pacer });
      await writer.append(identity(1), [claimed(1)]);
      await fixture.administer(async (jsm) => {
        await jsm.streams.delete(STREAM);
        await jsm.streams.add({ name: STREAM, subjects: ['other.>'] });
      });
      await expect(writer.append(identity(1), [committed(1)])).rejects.toMatchObject({
        ...{ code: 'JOURNAL_REPLACED', fields: { found: 'none' } },
      });
      expect(pacer.pausesMs).toEqual([]);
    });

    test('an append that would begin a subject in a stream made anew is not acknowledged', async () => {
      await using fixture = await NatsFixture.start();
      const old = await fixture.open({ readPatienceMs: 200 });
      await fixture.administer((jsm) => jsm.streams.delete(STREAM));
      const anew = await fixture.open();
      const replaced = { code: 'JOURNAL_REPLACED', retry: 'operator', fields: { found: anew.id } };
      await expect(old.append(subject, 0, new Uint8Array(1))).rejects.toMatchObject(replaced);
      await expect(readAll(old, subject)).rejects.toMatchObject(replaced);
      expect(await readAll(anew, subject)).toEqual([]);
      expect(await anew.subjects('')).toEqual([]);
    });

    test('a journal that is restored under its old id is the same journal', async () => {
      await using fixture = await NatsFixture.start();
      const journal = await fixture.open({ newId: () => 'the-same-id' });
      await writerOn(journal, subject).append(identity(), [claimed()]);
      await fixture.administer((jsm) => jsm.streams.delete(STREAM));
      const restored = await fixture.open({ newId: () => 'the-same-id' });
      await restored.fileRequest(subject, chain(1)[0] ?? new Uint8Array());
      expect(await replayAll(journal, subject)).toHaveLength(1);
    });
  },
  { ownServers: true },
);

describeIntegration(
  "the JetStream journal, when a bit flips on its server's disk",
  () => {
    /** Ten entries, a server that went down, a bit turned over in one of them, and the server up again. */
    async function damaged(
      fixture: NatsFixture,
      seq: number,
      signal: NodeJS.Signals,
    ): Promise<DamagedJournal> {
      const journal = await fixture.open();
      const pacer = new ManualPacer();
      pacer.onPause = () => realPacer.pause(20);
      const writer = writerOn(journal, subject, EMPTY_TAIL, { pacer });
      await writer.append(identity(), [claimed()]);
      for (let number = 2; number <= 10; number += 1) await writer.append(identity(), [committed(number)]);
      await fixture.nats.kill(signal);
      const [block = ''] = globSync(`${fixture.nats.dataDir}/**/streams/${STREAM}/msgs/*.blk`);
      const bytes = readFileSync(block);
      const at = bytes.indexOf(`"seq":${seq},`);
      if (at < 0) throw new Error(`no entry ${seq} in ${block}`);
      writeFileSync(block, flipBit(bytes, at + '"seq":'.length));
      await fixture.nats.restart();
      return { journal, writer };
    }

    test.each([5, 10])(
      'entry %i of 10, found by a server that knew its end: the replay stops',
      async (seq) => {
        await using fixture = await NatsFixture.start();
        const { journal, writer } = await damaged(fixture, seq, 'SIGTERM');
        await expect(replayAll(journal, subject)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
        if (seq < 10) return;
        await expect(writer.append(identity(), [committed(11)])).rejects.toMatchObject({
          code: 'JOURNAL_CORRUPT',
        });
      },
    );

    test.each([5, 10])(
      'entry %i of 10, found by a server that recovers: it drops all from there on, the witness tells',
      async (seq) => {
        await using fixture = await NatsFixture.start();
        const { journal, writer } = await damaged(fixture, seq, 'SIGKILL');
        const witness = { job: JOB, journalId: journal.id, seq: 10, hash: writer.tail.hash, nextOffset: 5n };
        const watch = new WitnessWatch(witness, { job: JOB, journalId: journal.id });
        for (const { tail } of await replayAll(journal, subject)) watch.see(tail);
        expect(watch.verdict()).toBe('journal-behind');
        await expect(writer.append(identity(), [committed(11)])).rejects.toMatchObject({
          ...{ code: 'JOURNAL_ROLLED_BACK', fields: { seq: 10 } },
        });
      },
    );
  },
  { ownServers: true },
);
