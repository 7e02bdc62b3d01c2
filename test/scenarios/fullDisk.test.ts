import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { decodeEntry } from '../../journal/entry.ts';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, numbered, storeWith } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { SmallDisk } from './smallDisk.ts';
import { byTime } from '../unit/actors/buckets/ownBuckets.ts';

const RECORDS = 60;
const BUCKETS = 3;
const assigner = byTime((slot) => `bucket-${slot}`);

/** A job whose files in progress, one for each bucket, are left by a process that is gone. */
async function leftInProgress(): Promise<{ job: JobFixture; source: MemorySource }> {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(
    0,
    ...Array.from({ length: RECORDS }, (_, n) => ({ value: `0:${n}`, timestampMs: n % BUCKETS })),
  );
  const stop = new AbortController();
  const run = job.coordinator({ source, assigner }).run(stop.signal);
  while (source.commits.at(-1)?.nextOffset !== BigInt(RECORDS)) await turn();
  stop.abort();
  await run;
  return { job, source };
}

function movesOf({ backing }: JobFixture): number {
  const entries = [...backing.subjects.values()].flat();
  const events = entries.flatMap(({ bytes }) => decodeEntry(bytes, 'An entry').events);
  return events.filter(({ type }) => type === 'partMoved').length;
}

test('files in progress are taken over with room for one copy: each frees what the next needs', async () => {
  const { job, source } = await leftInProgress();
  const disk = new SmallDisk(job.folder, 0);
  disk.sizeBytes = Math.ceil(disk.usedBytes() * 1.4);
  const store = createFileStore({ fileSystem: disk.fileSystem });
  const report = await job
    .coordinator({ source, assigner, store, untilEnd: true, clock: hastyClock() })
    .run(new AbortController().signal);
  // Each was copied. How many copies began before another was done, and found no room, is up to the disk.
  expect(movesOf(job)).toBeGreaterThanOrEqual(BUCKETS);
  expect(report.stopped).toEqual([]);
  expectEachRecordOnce(job, 1, RECORDS);
  expect(job.temporary()).toEqual([]);
});

test('a disk without room for a copy is waited for; meanwhile nothing is left or journaled', async () => {
  const { job, source } = await leftInProgress();
  const disk = new SmallDisk(job.folder, 0);
  const before = disk.usedBytes();
  disk.sizeBytes = before + 5;
  const store = createFileStore({ fileSystem: disk.fileSystem });
  const end = new AbortController();
  const run = job.coordinator({ source, assigner, store, clock: hastyClock() }).run(end.signal);
  while (disk.refusals < 40) await turn();
  expect(disk.usedBytes()).toBeLessThanOrEqual(disk.sizeBytes);
  expect(movesOf(job)).toBeLessThanOrEqual(BUCKETS);
  // Somebody makes room.
  disk.sizeBytes = before * 3;
  while (job.committed().size < BUCKETS) await turn();
  end.abort();
  await run;
  expectEachRecordOnce(job, 1, RECORDS);
});

test('a service that waits for room ends when it is asked to', async () => {
  const { job, source } = await leftInProgress();
  const disk = new SmallDisk(job.folder, 0);
  disk.sizeBytes = disk.usedBytes();
  const store = createFileStore({ fileSystem: disk.fileSystem });
  const end = new AbortController();
  const run = job.coordinator({ source, assigner, store, clock: hastyClock() }).run(end.signal);
  while (disk.refusals === 0) await turn();
  end.abort();
  // Each of its checkpoints is journaled: what is left is for the next run to take over.
  expect(await run).toMatchObject({ reason: 'signal', stopped: [] });
});

/** Takes committed files away, as a reader does who is through with them; gives what they held. */
function takeAway(job: JobFixture): string {
  const committed = job.committed();
  for (const name of committed.keys()) rmSync(join(job.folder, name));
  return [...committed.values()].join('');
}

test('a backlog larger than the disk gets through where readers take away what is published', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  const backlog = numbered(0, 400);
  source.append(0, ...backlog);
  const disk = new SmallDisk(job.folder, 1_000);
  const store = createFileStore({ fileSystem: disk.fileSystem });
  // Nothing is closed, and nothing counts, before the disk is full.
  const run = job
    .coordinator({ source, store, untilEnd: true, clock: hastyClock(), checkpointIntervalMs: 600_000 })
    .run(new AbortController().signal);
  const over = new AbortController();
  const ended = run.finally(() => {
    over.abort();
  });
  let taken = '';
  while (!over.signal.aborted) {
    taken += takeAway(job);
    await turn();
  }
  await ended;
  taken += takeAway(job);
  expect(disk.refusals).toBeGreaterThan(0);
  expect(taken).toBe(backlog.map(({ value }) => `${value}\n`).join(''));
  expect(job.temporary()).toEqual([]);
});

test('a journal on the same disk gets its room back: what cannot count goes before the claim', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, 6_000));
  const disk = new SmallDisk(job.folder, 6_000);
  const store = createFileStore({ fileSystem: disk.fileSystem });
  let claims = 0;
  const usedAtClaim: number[] = [];
  const journal = createMemoryJournal({
    backing: job.backing,
    onAppend: (_subject, _expected, bytes) => {
      if (!Buffer.from(bytes).includes('"epochClaimed"')) return null;
      claims += 1;
      usedAtClaim.push(disk.usedBytes());
      return disk.usedBytes() > 1_000 ? { type: 'full' } : null;
    },
  });
  const end = new AbortController();
  const run = job
    .coordinator({ source, store, journal, clock: hastyClock(), checkpointIntervalMs: 600_000 })
    .run(end.signal);
  while (claims < 2) await turn();
  end.abort();
  await run.catch(() => undefined);
  expect(usedAtClaim.slice(0, 2)).toEqual([0, 0]);
});

test('the files of a checkpoint with an unknown outcome are kept', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, 1_000));
  const disk = new SmallDisk(job.folder, 10_000);
  const inner = createFileStore({ fileSystem: disk.fileSystem });
  const offered = Promise.withResolvers<undefined>();
  const freed = Promise.withResolvers<undefined>();
  let isAway = true;
  const journal = createMemoryJournal({
    backing: job.backing,
    onAppend: (_subject, _expected, bytes) => {
      if (!isAway || !Buffer.from(bytes).includes('"checkpointCompleted"')) return null;
      offered.resolve(undefined);
      // It takes effect, or not: who sends it learns nothing.
      return { type: 'unavailable' };
    },
  });
  const store = storeWith(
    {
      discard: async (...args) => {
        await inner.discard(...args);
        if (disk.refusals > 0) freed.resolve(undefined);
      },
    },
    inner,
  );
  const end = new AbortController();
  const run = job.coordinator({ source, store, journal, clock: hastyClock() }).run(end.signal);
  await offered.promise;
  source.append(0, ...numbered(0, 12_000, 1_000));
  await freed.promise;
  isAway = false;
  disk.sizeBytes = 1_000_000;
  while (source.commits.at(-1)?.nextOffset !== 13_000n) await turn();
  end.abort();
  const { stopped } = await run;
  expect(stopped).toEqual([]);
});
