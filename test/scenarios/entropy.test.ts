import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderOf, markerFolderUri, type NamingRule } from '../../actors/naming.ts';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { JournalFailure } from '../../journal/failure.ts';
import type { JournalEvent } from '../../journal/events.ts';
import { jobName } from '../../journal/ids.ts';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { replay } from '../../journal/replay.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import type { SinkConfig } from '../../src/config/jobConfig.ts';
import { openJournalForRun } from '../../src/run/openJournal.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Crash } from './crash.ts';
import { expectEachRecordOnce, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, until } from './service.ts';

const RECORDS = 40;
const JOB = jobName('numbers');
const ENTROPY = { key: '_entropy_', length: 4 };
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });
/** Of a committed file: what was drawn, and its name. */
const DRAWN = /^([0-9A-Za-z]{4})\/lake\/(part-numbers-0-\d{20})$/;

function namingIn(job: JobFixture): NamingRule {
  return { sinkUri: `file://${job.folder}/_entropy_/lake`, prefix: 'part', suffix: '', entropy: ENTROPY };
}

function filledSource(): MemorySource {
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, RECORDS));
  return source;
}

async function eventsOf(job: JobFixture): Promise<JournalEvent[]> {
  const journal = createMemoryJournal({ backing: job.backing });
  const events: JournalEvent[] = [];
  for await (const { entry } of replay(journal, partitionSubject(JOB, { topic: 'numbers', partition: 0 })))
    events.push(...entry.events);
  return events;
}

const isOf =
  <Type extends JournalEvent['type']>(type: Type) =>
  (event: JournalEvent): event is Extract<JournalEvent, { type: Type }> =>
    event.type === type;

describe('with entropy', () => {
  test('every file has its own folder, as it was journaled before; no name is used twice', async () => {
    const job = new JobFixture();
    const naming = namingIn(job);
    await job
      .coordinator({ source: filledSource(), naming, untilEnd: true, rolling })
      .run(new AbortController().signal);
    expectEachRecordOnce(job, 1, RECORDS);
    const paths = [...job.committed().keys()];
    const drawn = paths.map((path) => DRAWN.exec(path));
    expect(drawn).not.toContain(null);
    expect(paths.length).toBeGreaterThan(3);
    expect(new Set(drawn.map((match) => match?.[1])).size).toBe(paths.length);
    expect(new Set(drawn.map((match) => match?.[2])).size).toBe(paths.length);
    const opened = (await eventsOf(job)).filter(isOf('partOpened'));
    expect(opened.map(({ finalUri }) => finalUri).sort()).toEqual(
      paths.map((path) => `file://${job.folder}/${path}`).sort(),
    );
    for (const { finalUri, temporaryUri } of opened) expect(folderOf(temporaryUri)).toBe(folderOf(finalUri));
  });

  test('files in progress are finished in the folder that was drawn for them', async () => {
    const job = new JobFixture();
    const naming = namingIn(job);
    const source = filledSource();
    const service = serve(job, { source, naming });
    await until(() => service.coordinator.stats.recordsRead === RECORDS);
    await service.stop();
    expect(job.committed().size).toBe(0);
    await job.coordinator({ source, naming, untilEnd: true }).run(new AbortController().signal);
    expectEachRecordOnce(job, 1, RECORDS);
    expect(job.temporary()).toEqual([]);
    const events = await eventsOf(job);
    const opened = events.filter(isOf('partOpened')).at(0);
    const moved = events.filter(isOf('partMoved')).at(0);
    expect(folderOf(moved?.toUri ?? '')).toBe(folderOf(opened?.finalUri ?? '-'));
  });

  test.each([
    { point: 'store.create', side: 'after', nth: 2 },
    { point: 'store.write', side: 'after', nth: 8 },
    { point: 'journal.append', side: 'after', nth: 9 },
    { point: 'store.commit', side: 'before', nth: 2 },
    { point: 'store.commit', side: 'after', nth: 2 },
  ] as const)('a crash $side $point leaves nothing behind, and each record once', async (at) => {
    const job = new JobFixture();
    const naming = namingIn(job);
    const source = filledSource();
    const crash = new Crash(at.point, at.side, at.nth);
    const dying = job.coordinator({
      ...{ source, naming, rolling, untilEnd: true, checkpointIntervalMs: 1, failpoints: crash },
    });
    await Promise.race([dying.run(new AbortController().signal), crash.crashed]);
    expect(crash.hits).toContain(`${at.point}:${at.side}`);
    const before = job.committed();
    await job.coordinator({ source, naming, untilEnd: true, rolling }).run(new AbortController().signal);
    expectEachRecordOnce(job, 1, RECORDS);
    expect(job.temporary()).toEqual([]);
    const after = job.committed();
    for (const [path, content] of before) expect(after.get(path), path).toBe(content);
    for (const path of after.keys()) expect(path).toMatch(DRAWN);
  });

  test('the marker stands where the key is taken out, and is found there again', async () => {
    const job = new JobFixture();
    const naming = namingIn(job);
    const source = filledSource();
    await job.coordinator({ source, naming, untilEnd: true }).run(new AbortController().signal);
    expect(existsSync(join(job.folder, 'lake', '.tidemark', 'numbers'))).toBe(true);
    expect(await createFileStore().readMarker(markerFolderUri(naming), 'numbers')).toBe('memory-journal');
    const { sinkUri: uri, ...affixes } = naming;
    const PLAIN = { envelope: 'value', compression: null } as const;
    const sink: SinkConfig = { type: 'file', uri, format: 'text', ...PLAIN, ...affixes };
    const missing = new JournalFailure('missing', 'there is none');
    const opening = openJournalForRun({
      config: { job: JOB, sink },
      source,
      store: createFileStore(),
      open: () => Promise.reject(missing),
      wait: false,
      signal: new AbortController().signal,
      log: silentLog,
    });
    await expect(opening).rejects.toThrow(/destination .* \(journal memory-journal\) remembers it/);
  });
});

test('without entropy the same records go to the same paths', async () => {
  const [one, other] = [new JobFixture(), new JobFixture()];
  for (const job of [one, other])
    await job
      .coordinator({ source: filledSource(), untilEnd: true, rolling })
      .run(new AbortController().signal);
  expect([...one.committed()]).toEqual([...other.committed()]);
});
