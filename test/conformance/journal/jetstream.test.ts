import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { openJetstreamJournal, type JetstreamJournalOptions } from '../../../journal/jetstream/journal.ts';
import type { Subject } from '../../../journal/ids.ts';
import type { Journal } from '../../../journal/port.ts';
import type { Tail } from '../../../journal/replay.ts';
import { claimed, committed, identity, writerOn } from '../../unit/journal/fixtures.ts';
import { describeIntegration } from '../../services/integration.ts';
import { startNats, type OwnNats } from '../../services/servers.ts';
import { TcpProxy } from '../../services/tcpProxy.ts';
import { storeAtOnce, STREAM } from './natsFixture.ts';
import { journalConformance } from './suite.ts';
import type { JournalWorld, LossyJournal } from './world.ts';

async function jetstreamWorld(): Promise<JournalWorld> {
  // A kill loses no page cache, so that these tests need no fsync for every entry.
  const nats = await startNats({ jetstreamConfig: 'sync_interval: "2m"' });
  const opened: Journal[] = [];
  const proxies: TcpProxy[] = [];
  const open = async (options: Partial<JetstreamJournalOptions> = {}): Promise<Journal> => {
    const journal = await openJetstreamJournal({
      ...{ servers: [nats.url], stream: STREAM, replicas: 1, mode: 'create', onWarning: () => undefined },
      ...options,
    });
    opened.push(journal);
    return journal;
  };
  return {
    open: () => open(),
    openRival: () => open(),
    openReader: () => open({ mode: 'read' }),
    openLossy: async (): Promise<LossyJournal> => {
      const proxy = await TcpProxy.start(nats.port);
      proxies.push(proxy);
      const journal = await open({ servers: [`127.0.0.1:${proxy.port}`] });
      return {
        journal,
        loseNextReply: () => proxy.loseReply(`"stream":"${STREAM}"`),
        loseNextRequest: () => proxy.loseRequest('Nats-Expected-Last-Subject-Sequence'),
      };
    },
    store: async (subject, entries) => storeAtOnce(await open(), subject, entries),
    appendThroughCrash: async (subject) => appendWhileKilled(await open(), subject, nats),
    recreate: async () => {
      await closeAll(opened);
      await deleteStream(nats);
    },
    [Symbol.asyncDispose]: async () => {
      await closeAll(opened);
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
      await nats.stop();
    },
  };
}

async function closeAll(journals: readonly Journal[]): Promise<void> {
  for (const journal of journals) await journal.close();
}

/** The writer lives on; the server is killed and started again while it appends. */
async function appendWhileKilled(
  journal: Journal,
  subject: Subject,
  nats: OwnNats,
): Promise<readonly Tail[]> {
  let retries = 0;
  const writer = writerOn(journal, subject, undefined, { onRetry: () => (retries += 1) });
  const acknowledged = [await writer.append(identity(), [claimed()])];
  let restarted: Promise<void> | null = null;
  for (let number = 1; number <= 40; number += 1) {
    // Not awaited: it dies under the next appends, and comes back while they are tried again.
    if (number === 20) restarted = nats.kill('SIGKILL').then(() => nats.restart());
    acknowledged.push(await writer.append(identity(), [committed(number)]));
  }
  await restarted;
  if (retries === 0) throw new Error('the server was not away while the writer appended');
  return acknowledged;
}

async function deleteStream(nats: OwnNats): Promise<void> {
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.delete(STREAM);
  await connection.close();
}

describeIntegration('the JetStream journal', () => journalConformance(jetstreamWorld), {
  ownServers: true,
});
