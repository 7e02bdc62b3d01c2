/** An import into three copies: its leader is killed in the middle, and the next import goes on. */
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { importJetstream } from '../../../journal/jetstream/import.ts';
import { openJetstreamJournal } from '../../../journal/jetstream/journal.ts';
import { createMemoryBacking, createMemoryJournal } from '../../../journal/memory/journal.ts';
import { scratchFolder } from '../../integration/testJob.ts';
import { describeIntegration } from '../../services/integration.ts';
import { NatsCluster } from '../../services/natsCluster.ts';
import { readAll, subjectOf } from '../../unit/journal/fixtures.ts';
import {
  exported,
  fillWithRequests,
  NOT_ABORTED,
  noProgress,
  withCopy,
} from '../../unit/journal/imported.ts';
import { STREAM } from './natsFixture.ts';

describeIntegration(
  'an import into a stream of three replicas',
  () => {
    test('whose leader is killed: rejected, or whole; then it goes on, every entry once', async () => {
      const file = path.join(mkdtempSync(path.join(scratchFolder(), 'export-')), 'clicks.journal');
      const journal = createMemoryJournal({ backing: createMemoryBacking() });
      await fillWithRequests(journal, 6_000);
      await exported(journal, file);
      await using cluster = await NatsCluster.start();
      const place = { servers: cluster.urls, stream: STREAM, replicas: 3, onWarning: noProgress };
      const killed: Promise<void>[] = [];
      const onProgress = ({ entries }: { readonly entries: number }): void => {
        if (entries < 2_000 || killed.length > 0) return;
        killed.push(cluster.leaderOf(STREAM).then((leader) => leader.kill()));
      };
      const importing = () =>
        withCopy(file, (copy) => importJetstream({ ...place, copy, signal: NOT_ABORTED, onProgress }));
      const first = await importing().catch((error: unknown) => error);
      await Promise.all(killed);
      for (const node of cluster.nodes) await node.restart();
      await cluster.untilReplicated(STREAM);
      if (first instanceof Error) expect(await importing()).toMatchObject({ partitions: 1 });
      const copy = await openJetstreamJournal({ ...place, mode: 'existing', waitForServerMs: 10_000 });
      expect(await readAll(copy, subjectOf())).toEqual(await readAll(journal, subjectOf()));
      await copy.close();
    });
  },
  { ownServers: true, timeoutMs: 120_000 },
);
