import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeEntry, encodeEntry, hashEntry } from '../../journal/entry.ts';
import { FORMAT_OF_MOST } from '../../journal/entryFormats.ts';
import type { JobEvent } from '../../journal/events.ts';
import { jobName, NO_HASH } from '../../journal/ids.ts';
import { jobSubject, partitionSubject } from '../../journal/subjects.ts';
import { expectEachRecordOnce, JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, STOPPED } from './service.ts';

const JOB = jobName('numbers');
const RECORDS = 10;

const jobEvents = ({ backing }: JobFixture): JobEvent[] =>
  (backing.subjects.get(jobSubject(JOB)) ?? []).flatMap(
    ({ bytes }) => decodeEntry(bytes, 'The entry').events as JobEvent[],
  );

function journalOf010(job: JobFixture): void {
  for (const [subject, entries] of job.backing.subjects) {
    let prevHash = NO_HASH;
    let seq = 0;
    const before = entries.flatMap((stored) => {
      const entry = decodeEntry(stored.bytes, 'The entry');
      const events = entry.events.filter(({ type }) => type !== 'markerMade');
      if (events.length === 0) return [];
      seq += 1;
      const bytes = encodeEntry({ ...entry, v: FORMAT_OF_MOST, events, seq, prevHash });
      prevHash = hashEntry(bytes);
      return [{ ...stored, bytes }];
    });
    job.backing.subjects.set(subject, before);
  }
}

async function finished(): Promise<{ job: JobFixture; source: MemorySource; away: string }> {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, RECORDS));
  await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
  return { job, source, away: `${job.folder}-unmounted` };
}

function unmount(job: JobFixture, away: string): void {
  renameSync(job.folder, away);
  mkdirSync(job.folder);
}

function mount(job: JobFixture, away: string): void {
  rmSync(job.folder, { recursive: true });
  renameSync(away, job.folder);
}

describe('the marker of a destination', () => {
  test('is journaled once, after it was made', async () => {
    const { job, source } = await finished();
    source.append(0, ...numbered(0, RECORDS, RECORDS));
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    const sink = `file://${job.folder}`;
    expect(jobEvents(job).filter(({ type }) => type === 'markerMade')).toEqual([
      { type: 'markerMade', sink },
    ]);
    expectEachRecordOnce(job, 1, 2 * RECORDS);
  });

  test.each(['of this version', 'of 0.1.0'])(
    'that is missing stops the job under a journal %s; and it continues when it is there again',
    async (version) => {
      const { job, source, away } = await finished();
      if (version === 'of 0.1.0') journalOf010(job);
      unmount(job, away);
      source.append(0, ...numbered(0, RECORDS, RECORDS));
      const run = job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
      await expect(run).rejects.toMatchObject({
        code: 'SINK_MARKER_MISSING',
        message: expect.stringContaining('is its file system mounted?') as string,
      });
      expect(readdirSync(job.folder)).toEqual([]);
      mount(job, away);
      await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
      expectEachRecordOnce(job, 1, 2 * RECORDS);
      expect(jobEvents(job).filter(({ type }) => type === 'markerMade')).toHaveLength(1);
    },
  );

  test('may be missing under a journal of 0.1.0 that has committed nothing', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    journalOf010(job);
    rmSync(join(job.folder, '.tidemark'), { recursive: true });
    source.append(0, ...numbered(0, RECORDS));
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expectEachRecordOnce(job, 1, RECORDS);
  });

  test('that vanishes under a running service stops its partitions at their next claim', async () => {
    const { job, source, away } = await finished();
    const service = serve(job, { source });
    await service.listening.heard('partition claimed');
    unmount(job, away);
    // Given to nobody, and back: it is claimed again.
    source.assign([]);
    source.assign([0]);
    await service.listening.heard(STOPPED);
    const { stopped } = await service.stop();
    expect(stopped).toMatchObject([{ stop: { code: 'SINK_MARKER_MISSING' } }]);
    expect(readdirSync(job.folder)).toEqual([]);
    mount(job, away);
    const stops = (job.backing.subjects.get(partitionSubject(JOB, { topic: 'numbers', partition: 0 })) ?? [])
      .flatMap(({ bytes }) => decodeEntry(bytes, 'The entry').events)
      .filter(({ type }) => type === 'partitionStopped');
    expect(stops).toHaveLength(1);
  });
});
