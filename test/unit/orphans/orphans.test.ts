/** One thing is left behind at a time: it is found or left alone, and only what is found is removed. */
import { existsSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryUri } from '../../../actors/naming.ts';
import { partId } from '../../../journal/ids.ts';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import { findOrphans } from '../../../src/orphans/findOrphans.ts';
import type { OrphansReport } from '../../../src/orphans/orphansReport.ts';
import { removeOrphans } from '../../../src/orphans/removeOrphans.ts';
import { createFileStore } from '../../../src/stores/local/store.ts';
import { StoreFailure } from '../../../src/stores/failure.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { MemorySource } from '../../scenarios/memorySource.ts';
import { storeWith } from '../../scenarios/jobFixture.ts';
import { FinishedJob, JOB } from '../audit/finishedJob.ts';

const HOUR_MS = 3_600_000;
const OWN_ID = partId('00000000000000000000000000000abc');

/** What the test does with a job that has ended: all its part files are committed. */
class Left {
  readonly finished: FinishedJob;

  private constructor(finished: FinishedJob) {
    this.finished = finished;
  }

  static async behind(): Promise<Left> {
    return new Left(await FinishedJob.made());
  }

  /** Temporary names that the journal holds of a partition. */
  names(partition: number): string[] {
    const names: string[] = [];
    for (const { bytes } of this.finished.entries(partition)) {
      const { events } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
        events: { temporaryUri?: string }[];
      };
      for (const { temporaryUri: uri } of events)
        if (uri !== undefined) names.push(uri.slice('file://'.length));
    }
    return names;
  }

  write(file: string, ageMs = 0): string {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '0123456789');
    const atS = (Date.now() - ageMs) / 1000;
    utimesSync(file, atS, atS);
    return file;
  }

  find(store = createFileStore()): Promise<OrphansReport> {
    const journal = createMemoryJournal({ backing: this.finished.job.backing, readBatchEntries: 3 });
    const { naming } = this.finished.job.settings({ source: new MemorySource(1) });
    return findOrphans(
      { journal, store, clock: systemClock },
      { job: JOB, naming, signal: new AbortController().signal, onProgress: () => undefined },
    );
  }
}

const uris = ({ orphans }: OrphansReport): string[] => orphans.map(({ uri }) => uri.slice('file://'.length));
const remove = ({ orphans }: OrphansReport, minAgeMs: number, store = createFileStore()) =>
  removeOrphans(store, orphans, {
    minAgeMs,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });

it('finds nothing where nothing was left', async () => {
  const left = await Left.behind();
  expect(await left.find()).toMatchObject({
    ...{ orphans: [], refusals: [], withheld: [], notListed: [], others: 0 },
    needed: { count: 0 },
    unknown: { count: 0 },
  });
});

it('finds every name of a committed file, says what made it, and removes what is old enough', async () => {
  const left = await Left.behind();
  const [one = '', two = ''] = left.names(1);
  const old = left.write(one, 30 * HOUR_MS);
  const published = left.write(`${two}.p`, 25 * HOUR_MS);
  const young = left.write(path.join(path.dirname(one), `.tidemark-rows-${path.basename(two).slice(10)}`));
  const report = await left.find();
  expect(uris(report)).toEqual([old, published, young]);
  expect(report.orphans[0]).toMatchObject({
    ...{ kind: 'data', bytes: 10, uploadId: null, partition: 'numbers/1', end: 'committed' },
    madeBy: { epoch: expect.any(Number) as number, at: expect.stringMatching(/^\d{4}-/) as string },
  });
  expect(report.orphans[0]?.ageMs).toBeGreaterThanOrEqual(30 * HOUR_MS);
  const removals = await remove(report, 24 * HOUR_MS);
  expect(removals.map(({ type }) => type)).toEqual(['removed', 'removed', 'spared']);
  expect([old, published, young].map((file) => existsSync(file))).toEqual([false, false, true]);
  expect(left.finished.job.committed().size).toBeGreaterThan(4);
});

it('leaves alone what the journal does not hold, and what only begins like a name of its own', async () => {
  const left = await Left.behind();
  const { folder } = left.finished.job;
  left.write(temporaryUri(folder, OWN_ID));
  left.write(path.join(folder, '.tidemark-mine'));
  left.write(path.join(folder, '.somebody'));
  expect(await left.find()).toMatchObject({ orphans: [], unknown: { count: 1, bytes: 10 }, others: 1 });
});

it('leaves alone a journaled name in another folder', async () => {
  const left = await Left.behind();
  const [name = ''] = left.names(0);
  left.write(path.join(path.dirname(name), 'elsewhere', path.basename(name)));
  expect(await left.find()).toMatchObject({ orphans: [], unknown: { count: 1 } });
});

it('needs every name of a file that is neither committed nor discarded', async () => {
  const left = await Left.behind();
  const [name = ''] = left.names(0);
  // Its end, and all that followed, is gone; so are the witnesses of it.
  const { finished } = left;
  const at = finished
    .entries(0)
    .findIndex(({ bytes }) => Buffer.from(bytes).toString('utf8').includes('"partCommitted"'));
  finished.replaceEntries(0, finished.entries(0).slice(0, at));
  renameSync(path.join(finished.job.folder, '.tidemark/_witness'), path.join(finished.job.folder, 'w'));
  left.write(name);
  left.write(`${name}.p`);
  const report = await left.find();
  expect(report.refusals).toEqual([]);
  expect(report).toMatchObject({ orphans: [], needed: { count: 2, bytes: 20 } });
});

it('calls nothing an orphan while a journal went back: the destination remembers more', async () => {
  const left = await Left.behind();
  const { finished } = left;
  left.write(left.names(0)[0] ?? '');
  // Without the checkpoint that was published first: how many entries follow it, differs.
  const all = finished.entries(0);
  const published = all.findIndex(({ bytes }) => Buffer.from(bytes).includes('"partCommitted"'));
  expect(published).toBeGreaterThan(1);
  finished.replaceEntries(0, all.slice(0, published - 1));
  const report = await left.find();
  expect(report.refusals.map(({ code }) => code)).toContain('WITNESS_DIFFERS');
  expect(report.orphans).toEqual([]);
});

it('calls nothing an orphan where one entry of any partition is damaged', async () => {
  const left = await Left.behind();
  left.write(left.names(0)[0] ?? '');
  left.finished.replaceEntries(
    1,
    left.finished.entries(1).map((entry, index) => {
      if (index !== 2) return entry;
      return {
        ...entry,
        bytes: Buffer.from(Buffer.from(entry.bytes).toString('utf8').replace('"seq":3', '"seq":4')),
      };
    }),
  );
  const report = await left.find();
  expect(report.refusals.map(({ code }) => code)).toContain('ENTRY_DAMAGED');
  expect(report.orphans).toEqual([]);
});

it('calls nothing an orphan at a destination without the marker of the journal', async () => {
  const left = await Left.behind();
  const { folder } = left.finished.job;
  left.write(left.names(0)[0] ?? '');
  renameSync(path.join(folder, '.tidemark/numbers'), path.join(folder, '.tidemark/other'));
  const report = await left.find();
  expect(report.refusals.map(({ code }) => code)).toEqual(['MARKER_DIFFERS']);
  expect(report.orphans).toEqual([]);
});

it('withholds all names of a partition that waits for an operator', async () => {
  const left = await Left.behind();
  const { finished } = left;
  left.write(left.names(0)[0] ?? '');
  const other = left.write(left.names(1)[0] ?? '');
  finished.forge(0, (entries) => {
    entries.at(-1)?.events.push({
      ...{ type: 'partitionStopped', code: 'SOURCE_RANGE_LOST', message: 'gone', fromOffset: null },
      ...{ toOffset: null, files: [], truncation: null },
    });
    return entries;
  });
  renameSync(path.join(finished.job.folder, '.tidemark/_witness'), path.join(finished.job.folder, 'w'));
  const report = await left.find();
  expect(report.refusals).toEqual([]);
  expect(uris(report)).toEqual([other]);
  expect(report.withheld).toEqual([
    { partition: 'numbers/0', code: 'SOURCE_RANGE_LOST', count: 1, bytes: 10 },
  ]);
});

it('tells of each that could not be removed, and removes the others', async () => {
  const left = await Left.behind();
  const [one = '', two = ''] = left.names(0);
  for (const name of [one, two]) left.write(name, HOUR_MS);
  const real = createFileStore();
  const store = storeWith({
    temporaries: {
      ...real.temporaries,
      remove: (which) =>
        which.uri.endsWith(path.basename(one))
          ? Promise.reject(new StoreFailure('unavailable', 'not now'))
          : real.temporaries.remove(which),
    },
  });
  const removals = await remove(await left.find(store), 0, store);
  expect(removals.toSorted((a, b) => (a.type < b.type ? -1 : 1))).toEqual([
    { type: 'failed', code: 'STORE_UNAVAILABLE', message: 'not now' },
    { type: 'removed' },
  ]);
  expect([one, two].map((file) => existsSync(file))).toEqual([true, false]);
});
