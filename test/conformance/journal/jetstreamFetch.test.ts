import { jetstreamManager } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { connectNats, deadlineIn, type NatsLink } from '../../../journal/jetstream/connection.ts';
import { startFetch, type FetchTarget, type SubjectFetch } from '../../../journal/jetstream/fetch.ts';
import type { Revision } from '../../../journal/port.ts';
import { describeIntegration } from '../../services/integration.ts';
import { chain, subjectOf } from '../../unit/journal/fixtures.ts';
import { NatsFixture, storeAtOnce, STREAM } from './natsFixture.ts';

const subject = subjectOf();
/** Silence must not be what ends a run here. */
const FOR_EVER_MS = 3_600_000;

/** A stream with 5,000 entries of one subject between two of another, and one run over them. */
class FetchFixture implements AsyncDisposable {
  readonly server: NatsFixture;
  readonly link: NatsLink;
  readonly #target: FetchTarget;
  readonly #runs: SubjectFetch[] = [];

  private constructor(server: NatsFixture, link: NatsLink, target: FetchTarget) {
    this.server = server;
    this.link = link;
    this.#target = target;
  }

  static async start(): Promise<FetchFixture> {
    const server = await NatsFixture.start({ jetstreamConfig: 'sync_interval: "2m"' });
    const journal = await server.open();
    await storeAtOnce(journal, subjectOf('other'), chain(1));
    await storeAtOnce(journal, subject, chain(5_000));
    await storeAtOnce(journal, subjectOf('other'), chain(1));
    await storeAtOnce(journal, subject, chain(1));
    const link = await connectNats(
      { servers: [server.nats.url], onWarning: () => undefined },
      deadlineIn(10_000),
    );
    const jsm = await jetstreamManager(link.nc);
    const natsSubject = `${STREAM}.${journal.id}.${subject}`;
    return new FetchFixture(server, link, { link, jsm, stream: STREAM, natsSubject, silenceMs: FOR_EVER_MS });
  }

  async run(after: Revision, last: Revision): Promise<SubjectFetch> {
    const run = await startFetch(this.#target, after, last);
    this.#runs.push(run);
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#runs) run.close();
    await this.link.close();
    await this.server[Symbol.asyncDispose]();
  }
}

async function readToEnd(run: SubjectFetch): Promise<Revision[]> {
  const revisions: Revision[] = [];
  for (let batch = await run.next(); batch !== null; batch = await run.next())
    revisions.push(...batch.map(({ revision }) => revision));
  return revisions;
}

describeIntegration(
  'one run over a subject of the stream',
  () => {
    test('crosses many pulls unbroken, up to its last entry and not beyond', async () => {
      await using fixture = await FetchFixture.start();
      const revisions = await readToEnd(await fixture.run(0, 5_001));
      expect(revisions).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 2));
      expect(await readToEnd(await fixture.run(4_000, 5_001))).toHaveLength(1_001);
      // Entry 5,002 is another subject's, a hole in this one.
      expect((await readToEnd(await fixture.run(4_999, 5_003))).slice(-2)).toEqual([5_001, 5_003]);
    });

    test('whose last entry, seen before, is gone breaks instead of ending at another', async () => {
      await using fixture = await FetchFixture.start();
      await expect(readToEnd(await fixture.run(4_990, 5_002))).rejects.toThrow(/5003 where 5002/);
    });

    test('breaks at once when the connection is lost, without waiting for silence', async () => {
      await using fixture = await FetchFixture.start();
      const run = await fixture.run(0, 5_001);
      await run.next();
      await fixture.server.nats.kill();
      await expect(readToEnd(run)).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
    });

    test('breaks when its consumer is taken away', async () => {
      await using fixture = await FetchFixture.start();
      const run = await fixture.run(0, 5_001);
      await fixture.server.administer(async (jsm) => {
        for await (const { name } of jsm.consumers.list(STREAM)) await jsm.consumers.delete(STREAM, name);
      });
      await expect(readToEnd(run)).rejects.toThrow(/the consumer answered 503/);
    });

    test('leaves no consumer behind', async () => {
      await using fixture = await FetchFixture.start();
      const run = await fixture.run(0, 5_001);
      await readToEnd(run);
      run.close();
      await fixture.link.nc.flush();
      const consumers = await fixture.server.administer((jsm) => jsm.consumers.list(STREAM).next());
      expect(consumers).toEqual([]);
    });
  },
  { ownServers: true },
);
